// A matrix times vectors whose lanes are rows of a batch: the product of the edge level, where small weights meet many rows.
#pragma once

#include <algorithm>

#include "vector.h"

namespace gengraph {

constexpr int TILE = 8;  // outputs that are summed side by side

inline int64_t padded(int64_t size) { return (size + TILE - 1) / TILE * TILE; }

// A matrix [outputs, inputs], both multiples of TILE, in tiles of TILE outputs, each by input; 0 at the start.
class Tiles {
public:
    Tiles(int64_t outputs, int64_t inputs) : outputs_(outputs), inputs_(inputs), data_(outputs * inputs) {}

    float& at(int64_t output, int64_t input) const {
        return data_[(output / TILE * inputs_ + input) * TILE + output % TILE];
    }

    // out[o] = start(o) + sum of M[o, i] in(i), where the first `split` inputs are in `a` and the others in `b`.
    template <class Start>
    void multiply(Start start, const Vec* a, int64_t split, const Vec* b, Vec* out) const {
        for (int64_t first = 0; first < outputs_; first += TILE) {
            Vec sums[TILE];
            UNROLL
            for (int o = 0; o < TILE; o++) sums[o] = start(first + o);
            const float* tile = &data_[first * inputs_];
            add(tile, a, split, sums);
            add(tile + split * TILE, b, inputs_ - split, sums);
            UNROLL
            for (int o = 0; o < TILE; o++) out[first + o] = sums[o];
        }
    }

    template <class Start>
    void multiply(Start start, const Vec* in, Vec* out) const {
        multiply(start, in, inputs_, in, out);
    }

private:
    static void add(const float* tile, const Vec* in, int64_t count, Vec* sums) {
        for (int64_t i = 0; i < count; i++, tile += TILE) {
            const Vec value = in[i];
            UNROLL
            for (int o = 0; o < TILE; o++) sums[o] += tile[o] * value;
        }
    }

    int64_t outputs_, inputs_;
    Buffer<float> data_;
};

// Sums over rows and steps of products of two sequences of vectors: sums[p, q] = sum over t and lanes of a[t, p] b[t, q].
constexpr int OUTER_ROWS = 4;
constexpr int OUTER_COLUMNS = REGISTERS == 32 ? 4 : 2;

inline void outer_sums(const Vec* a, const Vec* b, int64_t stride, int64_t steps, float* sums) {
    Vec products[OUTER_ROWS * OUTER_COLUMNS] = {};
    for (int64_t t = 0; t < steps; t++, a += stride, b += stride) {
        UNROLL
        for (int p = 0; p < OUTER_ROWS; p++) {
            UNROLL
            for (int q = 0; q < OUTER_COLUMNS; q++) products[p * OUTER_COLUMNS + q] += a[p] * b[q];
        }
    }
    constexpr int groups = OUTER_ROWS * OUTER_COLUMNS / LANES;
    static_assert(groups * LANES == OUTER_ROWS * OUTER_COLUMNS);
    for (int g = 0; g < groups; g++) store(sums + g * LANES, lane_sums(products + g * LANES));
}

// The sums of `count` vectors over their lanes, `count` a multiple of TILE.
inline void sums_over_lanes(const Vec* vectors, int64_t count, float* sums) {
    Vec group[LANES];
    for (int64_t first = 0; first < count; first += LANES) {
        for (int i = 0; i < LANES; i++) group[i] = first + i < count ? vectors[first + i] : Vec{};
        store(sums + first, lane_sums(group), count - first);
    }
}

}  // namespace gengraph
