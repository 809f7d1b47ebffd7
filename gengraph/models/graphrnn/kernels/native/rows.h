// Rows times a matrix, rows and columns any number: the product of the node level, where few rows meet large weights.
#pragma once

#include <algorithm>

#include "vector.h"

namespace gengraph {

inline int64_t vectors_of(int64_t floats) { return (floats + LANES - 1) / LANES; }

// A matrix [inputs, columns] in strips of a few vectors of columns, each strip by input. Columns may be cut in groups, each of
// which begins a vector; what a group leaves of its last vector is 0.
class Strips {
public:
    static constexpr int WIDEST = REGISTERS / 8;  // vectors of a strip

    // Packs a matrix: element(i, c) is the matrix; columns = groups * group_size.
    template <class Element>
    Strips(int64_t inputs, int64_t groups, int64_t group_size, Element element)
        : inputs_(inputs), vectors_(groups * vectors_of(group_size)), own_(inputs * vectors_ * LANES), data_(own_.get()) {
        pack(inputs, groups, group_size, element, own_.get());
    }

    // A matrix that was packed before.
    Strips(int64_t inputs, int64_t groups, int64_t group_size, const float* packed)
        : inputs_(inputs), vectors_(groups * vectors_of(group_size)), own_(0), data_(packed) {}

    // Writes inputs * groups * vectors_of(group_size) * LANES floats.
    template <class Element>
    static void pack(int64_t inputs, int64_t groups, int64_t group_size, Element element, float* packed) {
        const int64_t vectors = groups * vectors_of(group_size);
        for (int64_t g = 0; g < groups; g++)
            for (int64_t c = 0; c < group_size; c++) {
                const int64_t column = g * vectors_of(group_size) * LANES + c, vector = column / LANES;
                const int64_t first = vector / WIDEST * WIDEST, width = std::min<int64_t>(WIDEST, vectors - first);
                float* strip = packed + first * inputs * LANES;
                for (int64_t i = 0; i < inputs; i++)
                    strip[(i * width + vector - first) * LANES + column % LANES] = element(i, g * group_size + c);
            }
    }

    int64_t row_size() const { return vectors_ * LANES; }

    // out[r] += in[r] M for all rows. Every element is one chain of additions, inputs ascending: it depends on nothing else.
    void multiply(const float* in, int64_t in_stride, int64_t rows, float* out) const {
        for (int64_t first = 0; first < vectors_; first += WIDEST) {
            const float* strip = data_ + first * inputs_ * LANES;
            float* place = out + first * LANES;
            if (vectors_ - first >= WIDEST)
                strip_product<WIDEST>(strip, in, in_stride, rows, place);
            else
                narrow_product<WIDEST - 1>(vectors_ - first, strip, in, in_stride, rows, place);
        }
    }

private:
    static constexpr int TALLEST = 6;  // rows of a tile: with the strip's vectors and a factor they fill the registers

    template <int WIDTH>
    void narrow_product(int64_t width, const float* strip, const float* in, int64_t stride, int64_t rows, float* out) const {
        if constexpr (WIDTH > 0) {
            if (width == WIDTH)
                strip_product<WIDTH>(strip, in, stride, rows, out);
            else
                narrow_product<WIDTH - 1>(width, strip, in, stride, rows, out);
        }
    }

    template <int WIDTH>
    void strip_product(const float* strip, const float* in, int64_t stride, int64_t rows, float* out) const {
        for (; rows >= TALLEST; rows -= TALLEST, in += TALLEST * stride, out += TALLEST * row_size())
            tile_product<TALLEST, WIDTH>(strip, in, stride, out);
        low_product<TALLEST - 1, WIDTH>(rows, strip, in, stride, out);
    }

    template <int HEIGHT, int WIDTH>
    void low_product(int64_t height, const float* strip, const float* in, int64_t stride, float* out) const {
        if constexpr (HEIGHT > 0) {
            if (height == HEIGHT)
                tile_product<HEIGHT, WIDTH>(strip, in, stride, out);
            else
                low_product<HEIGHT - 1, WIDTH>(height, strip, in, stride, out);
        }
    }

    template <int HEIGHT, int WIDTH>
    void tile_product(const float* strip, const float* in, int64_t stride, float* out) const {
        Vec sums[HEIGHT][WIDTH];
        UNROLL
        for (int r = 0; r < HEIGHT; r++) {
            UNROLL
            for (int v = 0; v < WIDTH; v++) sums[r][v] = load(out + r * row_size() + v * LANES);
        }
        for (int64_t i = 0; i < inputs_; i++, strip += WIDTH * LANES) {
            UNROLL
            for (int r = 0; r < HEIGHT; r++) {
                const Vec factor = splat(in[r * stride + i]);
                UNROLL
                for (int v = 0; v < WIDTH; v++) sums[r][v] += factor * load(strip + v * LANES);
            }
        }
        UNROLL
        for (int r = 0; r < HEIGHT; r++) {
            UNROLL
            for (int v = 0; v < WIDTH; v++) store(out + r * row_size() + v * LANES, sums[r][v]);
        }
    }

    int64_t inputs_, vectors_;
    Buffer<float> own_;
    const float* data_;
};

}  // namespace gengraph
