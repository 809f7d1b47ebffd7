// The head of GraphRNN-C: the first layer of a candidate is the sum of rows of three matrices, so a vector holds units of one
// candidate, as they lie in memory.
//
// Legend: R rows, C codes of each candidate, T entries of the table, F and G units of the first and second layer.
#pragma once

#include "rows.h"

namespace gengraph {

constexpr int64_t CODES = 6;
constexpr int64_t BLOCK = 48;  // candidates: a multiple of the lanes and of the height of the tiles in rows.h

// Where the parameters stand in a flat array: the table [T, F], the second layer [G, F] and [G], the output [G] and [1].
struct ContextLayout {
    int64_t units, inner, entries;  // F, G, T
    int64_t inner_weight, inner_bias, outer_weight, outer_bias;

    ContextLayout(int64_t units, int64_t inner, int64_t total)
        : units(units),
          inner(inner),
          entries((total - 1 - 2 * inner - inner * units) / units),
          inner_weight(entries * units),
          inner_bias(inner_weight + inner * units),
          outer_weight(inner_bias + inner),
          outer_bias(outer_weight + inner) {}

    bool fits(int64_t total) const { return total == outer_bias + 1; }
    int64_t units_size() const { return vectors_of(units) * LANES; }  // padded
    int64_t inner_size() const { return vectors_of(inner) * LANES; }
};

class ContextHead {
public:
    ContextHead(const ContextLayout& layout, const float* parameters)
        : layout(layout),
          table_(parameters),
          inner_(layout.units, 1, layout.inner,
                 [&](int64_t f, int64_t g) { return parameters[layout.inner_weight + g * layout.units + f]; }),
          inner_bias_(layout.inner_size()),
          outer_weight(layout.inner_size()),
          outer_bias(parameters[layout.outer_bias]) {
        std::copy_n(parameters + layout.inner_bias, layout.inner, inner_bias_.get());
        std::copy_n(parameters + layout.outer_weight, layout.inner, outer_weight.get());
    }

    // The first layer [F], padded, of a candidate, from a row of U h, one of V h, and codes.
    void add_up(const float* now, const float* then, const int32_t* codes, float* units) const {
        const int64_t width = layout.units, whole = width / LANES * LANES;
        const float* rows[2 + CODES] = {now, then};
        for (int64_t c = 0; c < CODES; c++) rows[2 + c] = table_ + codes[c] * width;
        auto sum = [&rows](auto part) {
            const Vec states = part(rows[0]) + part(rows[1]);
            return positive((states + (part(rows[2]) + part(rows[3]))) + ((part(rows[4]) + part(rows[5])) + (part(rows[6]) + part(rows[7]))));
        };
        for (int64_t f = 0; f < whole; f += LANES) store(units + f, sum([f](const float* row) { return load(row + f); }));
        if (whole < width) store(units + whole, sum([=](const float* row) { return load(row + whole, width - whole); }));
    }

    // The second layers [count, G] before their rectifier, padded.
    void second_layer(const float* units, int64_t count, float* inner) const {
        for (int64_t i = 0; i < count; i++) std::copy_n(inner_bias_.get(), layout.inner_size(), inner + i * layout.inner_size());
        inner_.multiply(units, layout.units_size(), count, inner);
    }

    // The logits of at most LANES candidates.
    Vec logits(const float* inner, int64_t count) const {
        Vec parts[LANES] = {};
        for (int64_t j = 0; j < count; j++)
            for (int64_t g = 0; g < layout.inner_size(); g += LANES)
                parts[j] += positive(load(inner + j * layout.inner_size() + g)) * load(&outer_weight[g]);
        return lane_sums(parts) + outer_bias;
    }

    const ContextLayout layout;

private:
    const float* table_;  // [T, F]
    Strips inner_;        // [F, G]
    Buffer<float> inner_bias_;

public:
    const Buffer<float> outer_weight;
    const float outer_bias;
};

}  // namespace gengraph
