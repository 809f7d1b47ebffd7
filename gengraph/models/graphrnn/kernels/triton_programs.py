"""The edge-level network in Triton: what one program of a CUDA device does with its block of rows.

A program takes its rows through all their steps, with the states of all layers in registers; the weights, a few tens of
kilobytes, stay in the processor's cache. Hidden sizes are filled up to powers of two with weights of 0: the states of what is
filled up are 0 and stay so. Sums are in float32, products of matrices are not rounded (`ieee`).

Parameters lie flat, in the order of `Layout` in native/edge_rnn.h: a table of the first layer's input gates for the bits 0 and
1, then for each layer but the first the weights [3H, H] and biases [3H] of its input, and for every layer those of the
recurrence; then the output's hidden layer and the output. Gates are in the order reset, update, new.

Legend: B rows of a block, R rows by descending width, C rows of a part, T steps, K layers (LAYERS), H hidden size (SIZE), which
PADDED fills up, E units of the output's hidden layer (INNER).
"""

import triton
import triton.language as tl


@triton.jit
def _recurrent(parameters: tl.tensor, LAYER: tl.constexpr, SIZE: tl.constexpr) -> tl.tensor:
    """Where a layer's recurrent weights begin; those of its input begin 3 H (H + 1) before."""
    return parameters + 6 * SIZE + 6 * SIZE * (SIZE + 1) * LAYER


@triton.jit
def _product(weights: tl.tensor, gate: int, inputs: tl.tensor, SIZE: tl.constexpr, PADDED: tl.constexpr) -> tl.tensor:
    """The share float[B, H] of inputs float[B, H] in a gate, with its bias."""
    units, outputs = tl.arange(0, PADDED)[:, None], tl.arange(0, PADDED)[None, :]
    matrix = tl.load(weights + (gate * SIZE + outputs) * SIZE + units, mask=(units < SIZE) & (outputs < SIZE), other=0.0)
    bias = tl.load(weights + 3 * SIZE * SIZE + gate * SIZE + outputs, mask=outputs < SIZE, other=0.0)
    return tl.dot(inputs, matrix, input_precision="ieee") + bias


@triton.jit
def _back_product(weights: tl.tensor, gate: int, grads: tl.tensor, SIZE: tl.constexpr, PADDED: tl.constexpr) -> tl.tensor:
    """The gradients float[B, H] of the inputs of `_product`."""
    outputs, units = tl.arange(0, PADDED)[:, None], tl.arange(0, PADDED)[None, :]
    matrix = tl.load(weights + (gate * SIZE + outputs) * SIZE + units, mask=(units < SIZE) & (outputs < SIZE), other=0.0)
    return tl.dot(grads, matrix, input_precision="ieee")


@triton.jit
def _of_bit(parameters: tl.tensor, gate: int, previous: tl.tensor, SIZE: tl.constexpr, PADDED: tl.constexpr) -> tl.tensor:
    """The share float[B, H] of the bits before, int32[B], in a gate of the first layer."""
    outputs = tl.arange(0, PADDED)[None, :]
    return tl.load(parameters + (previous[:, None] * 3 + gate) * SIZE + outputs, mask=outputs < SIZE, other=0.0)


@triton.jit
def _gates(
    parameters: tl.tensor,
    previous: tl.tensor,
    below: tl.tensor,
    before: tl.tensor,
    LAYER: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """Reset, update and new gate and the new gate's recurrent share, float[B, H], from the states below and before."""
    recurrent = _recurrent(parameters, LAYER, SIZE)
    if LAYER == 0:
        reset = _of_bit(parameters, 0, previous, SIZE, PADDED)
        update = _of_bit(parameters, 1, previous, SIZE, PADDED)
        new = _of_bit(parameters, 2, previous, SIZE, PADDED)
    else:
        inputs = recurrent - 3 * SIZE * (SIZE + 1)
        reset = _product(inputs, 0, below, SIZE, PADDED)
        update = _product(inputs, 1, below, SIZE, PADDED)
        new = _product(inputs, 2, below, SIZE, PADDED)
    reset = tl.sigmoid(reset + _product(recurrent, 0, before, SIZE, PADDED))
    update = tl.sigmoid(update + _product(recurrent, 1, before, SIZE, PADDED))
    recurrent_new = _product(recurrent, 2, before, SIZE, PADDED)
    new = 2.0 * tl.sigmoid(2.0 * (new + reset * recurrent_new)) - 1.0  # tanh
    return reset, update, new, recurrent_new


@triton.jit
def _begin(
    start: tl.tensor, rows: tl.tensor, valid: tl.tensor, LAYERS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr
) -> tl.tuple:
    """The states float[B, H] of all layers before the first step."""
    units = tl.arange(0, PADDED)[None, :]
    states: tl.tuple = ()
    for layer in tl.static_range(LAYERS):
        at = start + (rows[:, None] * LAYERS + layer) * SIZE + units
        states = states + (tl.load(at, mask=valid[:, None] & (units < SIZE), other=0.0),)
    return states


@triton.jit
def _step(
    parameters: tl.tensor,
    previous: tl.tensor,
    states: tl.tuple,
    LAYERS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
) -> tl.tuple:
    """The states of all layers after one step."""
    after: tl.tuple = ()
    below = states[0]
    for layer in tl.static_range(LAYERS):
        _, update, new, _ = _gates(parameters, previous, below, states[layer], layer, SIZE, PADDED)
        below = new + update * (states[layer] - new)
        after = after + (below,)
    return after


@triton.jit
def _logits(
    parameters: tl.tensor,
    state: tl.tensor,
    LAYERS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    INNER: tl.constexpr,
) -> tl.tensor:
    """The logits float[B] from the last layer's state."""
    output = _recurrent(parameters, LAYERS, SIZE) - 3 * SIZE * (SIZE + 1)
    units, inner = tl.arange(0, PADDED)[:, None], tl.arange(0, PADDED)[None, :]
    matrix = tl.load(output + inner * SIZE + units, mask=(units < SIZE) & (inner < INNER), other=0.0)
    bias = tl.load(output + INNER * SIZE + inner, mask=inner < INNER, other=0.0)
    weight = tl.load(output + INNER * (SIZE + 1) + inner, mask=inner < INNER, other=0.0)
    hidden = tl.dot(state, matrix, input_precision="ieee") + bias
    hidden = tl.where(hidden < 0.0, 0.0, hidden)  # keeps what is not a number
    return tl.sum(hidden * weight, axis=1) + tl.load(output + INNER * (SIZE + 2))


@triton.jit(do_not_specialize=["first", "count", "steps"])
def forward(
    parameters: tl.tensor,
    start: tl.tensor,
    widths: tl.tensor,
    offsets: tl.tensor,
    codes: tl.tensor,
    weights: tl.tensor,
    log_probs: tl.tensor,
    states_kept: tl.tensor,
    previous_kept: tl.tensor,
    grad_logits: tl.tensor,
    first: int,
    count: int,
    steps: int,
    KEEP: tl.constexpr,
    LAYERS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    INNER: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The log-probabilities of rows first..first + C - 1; with KEEP what the way back needs.

    Args:
        parameters: float[P].
        start: float[R, K, H], the states of all layers before the first step.
        widths: int32[R].
        offsets: int64[T], where in the codes each step begins.
        codes: uint8, of each step of each row: bit + 2 bit before + 4 free.
        weights: float[R], of the rows in the loss.
        log_probs: float[R], written.
        states_kept: float[K, T + 1, C, H], zero; written: the states before and after each step.
        previous_kept: float[T, C], zero; written: the bit before each step.
        grad_logits: float[T, C], zero; written: the gradients of the logits.
        first: of the rows.
        count: C.
        steps: T.
        KEEP: whether the way back will be gone.
        LAYERS: K.
        SIZE: H.
        PADDED: a power of two >= 16, H and E.
        INNER: E.
        BLOCK: B.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = place < count
    width = tl.load(widths + first + place, mask=valid, other=0)
    weight = tl.load(weights + first + place, mask=valid, other=0.0)
    states = _begin(start, first + place, valid, LAYERS, SIZE, PADDED)
    units = tl.arange(0, PADDED)[None, :]
    if KEEP:
        for layer in tl.static_range(LAYERS):
            at = (layer * (steps + 1)) * count + place[:, None]
            tl.store(states_kept + at * SIZE + units, states[layer], mask=valid[:, None] & (units < SIZE))
    log_prob = tl.zeros([BLOCK], tl.float32)
    for j in range(tl.max(width, axis=0)):
        active = j < width
        code = tl.load(codes + tl.load(offsets + j) + first + place, mask=active, other=0).to(tl.int32)
        bit, previous, free = (code & 1).to(tl.float32), (code >> 1) & 1, (code >> 2).to(tl.float32)
        states = _step(parameters, previous, states, LAYERS, SIZE, PADDED)
        logit = _logits(parameters, states[LAYERS - 1], LAYERS, SIZE, PADDED, INNER)
        log_prob += free * (bit * logit - tl.maximum(logit, 0.0) - tl.log(1.0 + tl.exp(-tl.abs(logit))))
        # Stored at every step: where a loop writes nothing, the compiler moves all weights to shared memory; it may be small.
        tl.store(log_probs + first + place, log_prob, mask=valid)
        if KEEP:
            tl.store(previous_kept + j * count + place, previous.to(tl.float32), mask=active)
            tl.store(grad_logits + j * count + place, weight * free * (bit - tl.sigmoid(logit)), mask=active)
            for layer in tl.static_range(LAYERS):
                at = (layer * (steps + 1) + j + 1) * count + place[:, None]
                tl.store(states_kept + at * SIZE + units, states[layer], mask=active[:, None] & (units < SIZE))


@triton.jit(do_not_specialize=["first", "count", "steps"])
def backward(
    parameters: tl.tensor,
    widths: tl.tensor,
    states_kept: tl.tensor,
    previous_kept: tl.tensor,
    grad_top: tl.tensor,
    grad_gates: tl.tensor,
    grad_start: tl.tensor,
    first: int,
    count: int,
    steps: int,
    LAYERS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    INNER: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The way back through what `forward` has kept; gates are computed anew.

    Args as of `forward`, and:
        grad_top: float[T, C, H], the gradients of the last layer's states that come from the logits.
        grad_gates: float[K, T, C, 4, H], zero; written: of the new gate's recurrent share, reset, update, new before their
            functions.
        grad_start: float[R, K, H], written.
    """
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = place < count
    width = tl.load(widths + first + place, mask=valid, other=0)
    units = tl.arange(0, PADDED)[None, :]
    carried: tl.tuple = ()
    for _ in tl.static_range(LAYERS):
        carried = carried + (tl.zeros([BLOCK, PADDED], tl.float32),)
    widest = tl.max(width, axis=0)
    for back in range(widest):
        j = widest - 1 - back
        active = j < width
        inside = active[:, None] & (units < SIZE)
        previous = tl.load(previous_kept + j * count + place, mask=active, other=0.0).to(tl.int32)
        grad = tl.load(grad_top + (j * count + place[:, None]) * SIZE + units, mask=inside, other=0.0)
        passed_on: tl.tuple = ()
        for layer in tl.static_range(LAYERS - 1, -1, -1):
            at = (layer * (steps + 1) + j) * count + place[:, None]
            before = tl.load(states_kept + at * SIZE + units, mask=inside, other=0.0)
            below = before
            if layer > 0:
                at = ((layer - 1) * (steps + 1) + j + 1) * count + place[:, None]
                below = tl.load(states_kept + at * SIZE + units, mask=inside, other=0.0)
            reset, update, new, recurrent_new = _gates(parameters, previous, below, before, layer, SIZE, PADDED)
            grad += carried[layer]
            grad_new = grad * (1.0 - update) * (1.0 - new * new)
            grad_recurrent = grad_new * reset
            grad_reset = grad_recurrent * recurrent_new * (1.0 - reset)
            grad_update = grad * (before - new) * update * (1.0 - update)
            at = grad_gates + ((layer * steps + j) * count + place[:, None]) * 4 * SIZE + units
            tl.store(at, grad_recurrent, mask=inside)
            tl.store(at + SIZE, grad_reset, mask=inside)
            tl.store(at + 2 * SIZE, grad_update, mask=inside)
            tl.store(at + 3 * SIZE, grad_new, mask=inside)
            recurrent = _recurrent(parameters, layer, SIZE)
            grad *= update
            grad += _back_product(recurrent, 0, grad_reset, SIZE, PADDED)
            grad += _back_product(recurrent, 1, grad_update, SIZE, PADDED)
            grad += _back_product(recurrent, 2, grad_recurrent, SIZE, PADDED)
            passed_on = (grad,) + passed_on
            if layer > 0:
                inputs = recurrent - 3 * SIZE * (SIZE + 1)
                grad = _back_product(inputs, 0, grad_reset, SIZE, PADDED)
                grad += _back_product(inputs, 1, grad_update, SIZE, PADDED)
                grad += _back_product(inputs, 2, grad_new, SIZE, PADDED)
        carried = passed_on
    for layer in tl.static_range(LAYERS):
        at = grad_start + ((first + place[:, None]) * LAYERS + layer) * SIZE + units
        tl.store(at, carried[layer], mask=valid[:, None] & (units < SIZE))


@triton.jit(do_not_specialize=["count", "window"])
def draw(
    parameters: tl.tensor,
    start: tl.tensor,
    widths: tl.tensor,
    thresholds: tl.tensor,
    bits: tl.tensor,
    count: int,
    window: int,
    NEVER_EMPTY: tl.constexpr,
    OLDEST_FIRST: tl.constexpr,
    LAYERS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    INNER: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """Draw the bits of one row a lane; the program ends with its widest row.

    Args as of `forward`, and:
        start: float[C, K, H], the states of all layers before the first step.
        widths: int64[C], candidates of each lane.
        thresholds: float[C, W], in the order of the scan: a bit is 1 when its logit exceeds its threshold.
        bits: uint8[C, W], zero; written, nearest candidate first.
        count: lanes C.
        window: W.
        NEVER_EMPTY: the last decision of a row is certain if nothing was chosen before.
        OLDEST_FIRST: the scan's order.
    """
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = lanes < count
    width = tl.load(widths + lanes, mask=valid, other=0).to(tl.int32)
    states = _begin(start, lanes, valid, LAYERS, SIZE, PADDED)
    previous = tl.full([BLOCK], 1, tl.int32)
    chosen = tl.zeros([BLOCK], tl.int32)
    for j in range(tl.max(width, axis=0)):
        active = j < width
        states = _step(parameters, previous, states, LAYERS, SIZE, PADDED)
        logit = _logits(parameters, states[LAYERS - 1], LAYERS, SIZE, PADDED, INNER)
        previous = (logit > tl.load(thresholds + lanes * window + j, mask=active, other=0.0)).to(tl.int32)
        bit = previous
        if NEVER_EMPTY:
            bit = tl.where((j == width - 1) & (chosen == 0), 1, bit)
        chosen = chosen | bit
        candidate = tl.zeros([BLOCK], tl.int32) + j
        if OLDEST_FIRST:
            candidate = width - 1 - j
        tl.store(bits + lanes * window + candidate, bit.to(tl.uint8), mask=active)
