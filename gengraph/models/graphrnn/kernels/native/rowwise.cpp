// Layers of the sampler: rows that go one step, each by itself. What a row becomes depends on nothing else: not on how many
// rows there are, nor on the threads.
//
// Legend: B rows, I inputs, O outputs, H hidden size.
#include "arrays.h"
#include "gru.h"
#include "rows.h"
#include "threads.h"

namespace gengraph {
namespace {

constexpr int64_t CHUNK = 96;  // rows whose sums stay in the cache: a multiple of the height of the tiles in rows.h
constexpr int64_t MOST = 1 << 16;

int64_t packed_size(int64_t inputs, int64_t groups, int64_t group_size) {
    return inputs * groups * vectors_of(group_size) * LANES;
}

// Calls work(first, count) for chunks of rows, on several threads where that is worth it.
template <class Work>
void over_rows(int64_t rows, int64_t threads, int64_t multiplications_a_row, Work work) {
    const int64_t worth_a_thread = 1 << 23;  // so that starting one is a small part
    const int64_t parts = std::max<int64_t>(1, std::min({threads, rows, rows * multiplications_a_row / worth_a_thread}));
    parallel(threads, parts, [&](int64_t part) {
        const int64_t end = (part + 1) * rows / parts;
        for (int64_t first = part * rows / parts; first < end; first += CHUNK) work(first, std::min(CHUNK, end - first));
    });
}

// Each of `rows` rows of groups [G, P] becomes the bias [G, H], padded.
void fill(const float* bias, int64_t groups, int64_t size, int64_t rows, float* sums) {
    const int64_t padded = vectors_of(size) * LANES;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < groups; g++) std::copy_n(bias + g * size, size, sums + (r * groups + g) * padded);
}

bool rows_fit(ConstFloats in, int64_t inputs, int64_t out_size, int64_t outputs) {
    return in.size % inputs == 0 && out_size % outputs == 0 && in.size / inputs == out_size / outputs;
}

}  // namespace

// Brings weights [groups * group_size, I] into the order that the functions below read.
EXPORT int gengraph_pack(int64_t inputs, int64_t groups, int64_t group_size, ConstFloats weight, Floats packed) {
    if (inputs < 1 || inputs > MOST || groups < 1 || groups > 3 || group_size < 1 || group_size > MOST) return BAD_SIZE;
    if (weight.size != groups * group_size * inputs || packed.size < packed_size(inputs, groups, group_size)) return BAD_SIZE;
    std::fill_n(packed.data, packed.size, 0.0f);
    Strips::pack(inputs, groups, group_size, [&](int64_t i, int64_t c) { return weight.data[c * inputs + i]; }, packed.data);
    return OK;
}

// out [B, O] = in [B, I] W + bias [O], negative numbers replaced by 0 if `rectified`.
EXPORT int gengraph_linear(int64_t inputs, int64_t outputs, int64_t rectified, int64_t threads, ConstFloats in,
                           ConstFloats weight, ConstFloats bias, Floats out) try {
    if (inputs < 1 || inputs > MOST || outputs < 1 || outputs > MOST || weight.size < packed_size(inputs, 1, outputs) ||
        bias.size != outputs || !rows_fit(in, inputs, out.size, outputs))
        return BAD_SIZE;
    const Strips strips(inputs, 1, outputs, weight.data);
    over_rows(out.size / outputs, threads, inputs * outputs, [&](int64_t first, int64_t count) {
        Buffer<float> sums(count * strips.row_size());
        fill(bias.data, 1, outputs, count, sums.get());
        strips.multiply(in.data + first * inputs, inputs, count, sums.get());
        for (int64_t r = 0; r < count; r++)
            for (int64_t j = 0; j < outputs; j += LANES) {
                const Vec sum = load(&sums[r * strips.row_size() + j]);
                store(out.data + (first + r) * outputs + j, rectified ? positive(sum) : sum, outputs - j);
            }
    });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

// The states [B, H] of gated recurrent units take one step with inputs [B, I]; the biases are [3H].
EXPORT int gengraph_gru_step(int64_t inputs, int64_t hidden, int64_t threads, ConstFloats in, ConstFloats input_weight,
                             ConstFloats hidden_weight, ConstFloats input_bias, ConstFloats hidden_bias, Floats states) try {
    if (inputs < 1 || inputs > MOST || hidden < 1 || hidden > MOST || input_weight.size < packed_size(inputs, 3, hidden) ||
        hidden_weight.size < packed_size(hidden, 3, hidden) || input_bias.size != 3 * hidden || hidden_bias.size != 3 * hidden ||
        !rows_fit(in, inputs, states.size, hidden))
        return BAD_SIZE;
    const Strips from_inputs(inputs, 3, hidden, input_weight.data), from_states(hidden, 3, hidden, hidden_weight.data);
    const int64_t stride = from_states.row_size(), group = stride / 3;
    over_rows(states.size / hidden, threads, 3 * hidden * (inputs + hidden), [&](int64_t first, int64_t count) {
        Buffer<float> gates(count * stride), recurrent(count * stride);
        fill(input_bias.data, 3, hidden, count, gates.get());
        fill(hidden_bias.data, 3, hidden, count, recurrent.get());
        from_inputs.multiply(in.data + first * inputs, inputs, count, gates.get());
        from_states.multiply(states.data + first * hidden, hidden, count, recurrent.get());
        for (int64_t r = 0; r < count; r++)
            for (int64_t j = 0; j < hidden; j += LANES) {
                const float *gate = &gates[r * stride + j], *share = &recurrent[r * stride + j];
                float* state = states.data + (first + r) * hidden + j;
                const Units units(load(gate) + load(share), load(gate + group) + load(share + group), load(gate + 2 * group),
                                  load(share + 2 * group), load(state, hidden - j));
                store(state, units.state, hidden - j);
            }
    });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

}  // namespace gengraph
