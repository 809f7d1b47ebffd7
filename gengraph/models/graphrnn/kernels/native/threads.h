// Work cut into parts whose results do not depend on who does them.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace gengraph {

// Calls work(0), ..., work(parts - 1), each once, on up to `threads` threads. Threads are started for every call: it costs
// ten microseconds, on some virtual machines 200, and nothing is left behind that a fork could break or that could crowd the cores.
template <class Work>
void parallel(int64_t threads, int64_t parts, Work work) {
    std::atomic<int64_t> next{0};
    std::atomic<bool> out_of_memory{false};
    auto run = [&] {
        try {
            for (int64_t part; (part = next.fetch_add(1)) < parts;) work(part);
        } catch (const std::bad_alloc&) {
            out_of_memory = true;
        }
    };
    std::vector<std::thread> others;
    try {
        others.reserve(threads);
        for (int64_t i = 1; i < threads && i < parts; i++) others.emplace_back(run);
    } catch (const std::system_error&) {  // no more threads to be had: those that run do it all
    }
    run();
    for (auto& thread : others) thread.join();
    if (out_of_memory) throw std::bad_alloc();
}

}  // namespace gengraph
