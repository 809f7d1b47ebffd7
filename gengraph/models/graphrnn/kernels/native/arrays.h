// What crosses the border to Python: arrays with their sizes in, a status out.
#pragma once

#include <cstdint>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace gengraph {

template <class T>
struct Array {
    T* data;
    int64_t size;
};
using Floats = Array<float>;
using ConstFloats = Array<const float>;
using Bytes = Array<uint8_t>;
using ConstBytes = Array<const uint8_t>;
using Ints = Array<int64_t>;
using ConstInts = Array<const int64_t>;
using Indices = Array<int32_t>;
using ConstIndices = Array<const int32_t>;

// The same numbers stand in library.py.
enum Status : int { OK = 0, BAD_SIZE = 1, BAD_ORDER = 2, NO_MEMORY = 3 };

// Whether so many sequences have each step: positive, descending, `total` in all, the first `sequences`.
inline bool descends(ConstInts batch_sizes, int64_t sequences, int64_t total) {
    int64_t before = sequences, sum = 0;
    for (int64_t t = 0; t < batch_sizes.size; t++) {
        const int64_t count = batch_sizes.data[t];
        if (count < 1 || count > before || (t == 0 && count != sequences)) return false;
        before = count;
        sum += count;
    }
    return sum == total;
}

}  // namespace gengraph
