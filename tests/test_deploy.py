"""The files in deploy/ have the form that their readers want, one version everywhere, and authentication on."""

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from gengraph.cli.app import app

DEPLOY = Path(__file__).parents[1] / "deploy"
CONSTRAINTS = (DEPLOY.parent / "constraints.txt").read_text()
RAY = re.search(r"^ray==(.+)$", CONSTRAINTS, flags=re.MULTILINE)[1]  # type: ignore[index]


def documents(name: str) -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all((DEPLOY / name).read_text())}


def clusters() -> list[dict[str, Any]]:
    return [documents("raycluster.yaml")["RayCluster"]["spec"], documents("rayjob.yaml")["RayJob"]["spec"]["rayClusterSpec"]]


def pods(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_ray_up_takes_the_cluster_file() -> None:
    spec = find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    schema = json.loads((Path(spec.origin).parent / "autoscaler" / "ray-schema.json").read_text())
    cluster = yaml.safe_load((DEPLOY / "aws.yaml").read_text())
    jsonschema.validate(cluster, schema)
    assert cluster["head_node_type"] in cluster["available_node_types"]
    assert "--env RAY_AUTH_MODE=token" in cluster["docker"]["run_options"]
    assert "/home/ray/.ray/auth_token" in cluster["file_mounts"]
    (rule,) = cluster["provider"]["security_group"]["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (22, 22)
    cluster["available_node_types"]["head"]["resources"]["CPU"] = -1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(cluster, schema)


def test_kubernetes_clusters_have_what_kuberay_wants() -> None:
    for cluster in clusters():
        assert cluster["rayVersion"] == RAY
        assert cluster["authOptions"] == {"mode": "token"}
        groups = cluster["workerGroupSpecs"]
        assert len({group["groupName"] for group in groups}) == len(groups) > 0
        assert all(group["minReplicas"] <= group["replicas"] <= group["maxReplicas"] for group in groups)
        assert all(
            isinstance(value, str)
            for group in (cluster["headGroupSpec"], *groups)
            for value in group["rayStartParams"].values()
        )
        for pod in pods(cluster):
            volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
            (container,) = pod["spec"]["containers"]
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes == {"shared", "shm"}
            assert container["resources"]["requests"] == container["resources"]["limits"]
            assert pod["spec"]["securityContext"]["runAsNonRoot"] is True


def test_the_network_policy_covers_every_pod_and_opens_nothing_to_the_world() -> None:
    policy = documents("raycluster.yaml")["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert all(rule["from"] for rule in policy["ingress"])
    for cluster in clusters():
        for pod in pods(cluster):
            assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    submitter = documents("rayjob.yaml")["RayJob"]["spec"]["submitterPodTemplate"]
    (inside, _) = policy["ingress"]
    assert inside["from"] == [{"podSelector": {"matchLabels": submitter["metadata"]["labels"]}}]


def test_the_job_has_room_for_its_workers_and_its_commands_exist() -> None:
    job = documents("rayjob.yaml")["RayJob"]["spec"]
    commands = re.findall(r"exec gengraph (\w+) ([^;]*);", " ".join(job["entrypoint"].split()))
    assert [name for name, _ in commands] == ["resume", "train"]
    for name, options in commands:
        text = CliRunner().invoke(app, [name, "--help"], terminal_width=200).output
        assert set(re.findall(r"--[\w-]+", options)) <= set(re.findall(r"--[\w-]+", text))
        workers = int(re.search(r"--workers (\d+)", options)[1])  # type: ignore[index]
        (group,) = job["rayClusterSpec"]["workerGroupSpecs"]
        cpus = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
        assert workers <= cpus * group["replicas"]


def test_the_slurm_script_is_bash_with_a_token_of_its_own() -> None:
    script = DEPLOY / "slurm.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text()
    assert "RAY_AUTH_MODE=token" in text
    assert "umask 077" in text
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)


def test_the_image_is_built_from_what_is_here() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.search(r"^COPY (.+) \./$", text, flags=re.MULTILINE)[1].split()  # type: ignore[index]
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split("\n")
    assert all((DEPLOY.parent / name).is_file() and name not in ignored for name in copied)
    assert re.search(r"^USER 1000$", text, flags=re.MULTILINE)
    build, image = re.split(r"(?m)^FROM .*$", text)[1:]  # without a compiler the installation goes on, without its library
    assert build.index("install --yes --no-install-recommends g++") < build.index("COPY . .") < build.index("pip wheel")
    assert "from=wheel" in image
    assert "native_library()" in image
    for name in ("raycluster.yaml", "rayjob.yaml", "aws.yaml"):
        assert "YOUR_REGISTRY/gengraph:0.1.0" in (DEPLOY / name).read_text()
