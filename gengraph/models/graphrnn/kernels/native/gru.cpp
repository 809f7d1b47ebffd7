// One layer of gated recurrent units over packed sequences, forward and backward.
//
// Legend: B sequences by descending length, T steps, S steps of all sequences together, H hidden size. Packed arrays are
// time-major. Gates stand in the order reset, update, new; h' = (1 - z) n + z h with n = tanh(gate + r * recurrent).
#include <vector>

#include "arrays.h"
#include "gru.h"
#include "rows.h"
#include "threads.h"

namespace gengraph {
namespace {

struct Packed {
    int64_t hidden, steps;
    const int64_t* batch_sizes;
    std::vector<int64_t> offsets;  // [T + 1]

    Packed(int64_t hidden, ConstInts sizes) : hidden(hidden), steps(sizes.size), batch_sizes(sizes.data), offsets{0} {
        for (int64_t t = 0; t < steps; t++) offsets.push_back(offsets.back() + batch_sizes[t]);
    }

    // How many of the sequences first..last - 1 have step t.
    int64_t count(int64_t t, int64_t first, int64_t last) const {
        return std::max<int64_t>(0, std::min(last, batch_sizes[t]) - first);
    }
};

// The sequences cut into ranges of about equally many steps: the bounds of each.
std::vector<int64_t> ranges(const Packed& packed, int64_t parts) {
    const int64_t sequences = packed.batch_sizes[0], total = packed.offsets.back();
    std::vector<int64_t> bounds{0};
    int64_t length = packed.steps, done = 0;
    for (int64_t b = 0; b < sequences; b++) {
        while (packed.batch_sizes[length - 1] <= b) length--;
        const int64_t middle = 2 * done + length, wanted = 2 * total * static_cast<int64_t>(bounds.size());
        if (b > bounds.back() && middle * parts > wanted) bounds.push_back(b);
        done += length;
    }
    bounds.push_back(sequences);
    return bounds;
}

template <class Work>
void over_sequences(const Packed& packed, int64_t threads, Work work) {
    const int64_t worth_a_thread = 1 << 22;  // multiplications
    const int64_t size = packed.offsets.back() * 3 * packed.hidden * packed.hidden;
    const auto bounds = ranges(packed, std::max<int64_t>(1, std::min(threads, size / worth_a_thread)));
    const int64_t parts = bounds.size() - 1;
    parallel(threads, parts, [&](int64_t part) { work(bounds[part], bounds[part + 1]); });
}

struct Forward {
    const Packed& packed;
    const Strips& weight;  // [H, 3 groups of H]
    const float *bias, *gates, *initial;
    float *states, *saved;  // [S, H]; [S, 4, H]: reset, update, new, recurrent share of new; null if not wanted

    void run(int64_t first, int64_t last) const {
        const int64_t hidden = packed.hidden;
        Buffer<float> recurrent((last - first) * weight.row_size());
        const float* before = initial + first * hidden;
        for (int64_t t = 0; t < packed.steps; t++) {
            const int64_t count = packed.count(t, first, last), row = packed.offsets[t] + first;
            if (count == 0) break;
            for (int64_t b = 0; b < count; b++)
                for (int64_t gate = 0; gate < 3; gate++)
                    std::copy_n(bias + gate * hidden, hidden, &recurrent[b * weight.row_size() + gate * weight.row_size() / 3]);
            weight.multiply(before, hidden, count, recurrent.get());
            for (int64_t b = 0; b < count; b++)
                update(row + b, recurrent.get() + b * weight.row_size(), before + b * hidden);
            before = states + row * hidden;
        }
    }

    void update(int64_t row, const float* recurrent, const float* before) const {
        const int64_t hidden = packed.hidden, group = weight.row_size() / 3;
        const float* gate = gates + row * 3 * hidden;
        for (int64_t j = 0; j < hidden; j += LANES) {
            const int64_t count = std::min<int64_t>(LANES, hidden - j);
            const Vec recurrent_new = load(recurrent + 2 * group + j);
            const Units units(load(gate + j, count) + load(recurrent + j), load(gate + hidden + j, count) + load(recurrent + group + j),
                              load(gate + 2 * hidden + j, count), recurrent_new, load(before + j, count));
            store(states + row * hidden + j, units.state, count);
            if (saved == nullptr) continue;
            float* place = saved + row * 4 * hidden + j;
            store(place, units.reset, count);
            store(place + hidden, units.update, count);
            store(place + 2 * hidden, units.made, count);
            store(place + 3 * hidden, recurrent_new, count);
        }
    }
};

struct Backward {
    const Packed& packed;
    const Strips& weight;  // [3H, H]
    const float *initial, *states, *saved, *grad_states;
    // [S, H], the state before each; [S, 3, H]; [S, H], of the recurrent share of new; [B, H]
    float *previous, *grad_gates, *grad_new, *grad_initial;

    void run(int64_t first, int64_t last) const {
        const int64_t hidden = packed.hidden;
        Buffer<float> factors((last - first) * 3 * hidden), carried((last - first) * weight.row_size());
        for (int64_t t = packed.steps - 1; t >= 0; t--) {
            const int64_t count = packed.count(t, first, last);
            const float* before = (t ? states + packed.offsets[t - 1] * hidden : initial) + first * hidden;
            for (int64_t b = 0; b < count; b++)
                step(packed.offsets[t] + first + b, before + b * hidden, &factors[b * 3 * hidden], &carried[b * weight.row_size()]);
            weight.multiply(factors.get(), 3 * hidden, count, carried.get());
        }
        for (int64_t b = first; b < last; b++)
            std::copy_n(&carried[(b - first) * weight.row_size()], hidden, grad_initial + b * hidden);
    }

    // The gradients of one state's gates; `carried` is what comes from the next step and becomes what skips the gates.
    void step(int64_t row, const float* before, float* factors, float* carried) const {
        const int64_t hidden = packed.hidden;
        for (int64_t j = 0; j < hidden; j += LANES) {
            const int64_t count = std::min<int64_t>(LANES, hidden - j);
            const float* place = saved + row * 4 * hidden + j;
            const Vec reset = load(place, count), update = load(place + hidden, count);
            const Vec made = load(place + 2 * hidden, count), recurrent_new = load(place + 3 * hidden, count);
            const Vec state = load(before + j, count);
            const Vec grad = load(grad_states + row * hidden + j, count) + load(carried + j);
            const Vec by_new = grad * (1.0f - update) * (1.0f - made * made);
            const Vec by_update = grad * (state - made) * (update * (1.0f - update));
            const Vec by_reset = by_new * recurrent_new * (reset * (1.0f - reset));
            const Vec by_recurrent = by_new * reset;
            float* gate = grad_gates + row * 3 * hidden + j;
            store(gate, by_reset, count);
            store(gate + hidden, by_update, count);
            store(gate + 2 * hidden, by_new, count);
            store(previous + row * hidden + j, state, count);
            store(grad_new + row * hidden + j, by_recurrent, count);
            store(factors + j, by_reset, count);
            store(factors + hidden + j, by_update, count);
            store(factors + 2 * hidden + j, by_recurrent, count);
            store(carried + j, grad * update);
        }
    }
};

bool sizes_fit(int64_t hidden, ConstInts batch_sizes, ConstFloats gates, ConstFloats initial, ConstFloats weight) {
    const int64_t most = int64_t{1} << 40;  // so that no product below overflows
    return hidden >= 1 && hidden <= (1 << 16) && batch_sizes.size >= 1 && batch_sizes.data[0] >= 1 && gates.size <= most &&
           gates.size % (3 * hidden) == 0 && initial.size <= most && initial.size % hidden == 0 &&
           weight.size == 3 * hidden * hidden && initial.size / hidden == batch_sizes.data[0];
}

}  // namespace

// States [S, H] from gates [S, 3H], the input's share; initial [B, H], weight [3H, H], bias [3H].
// saved [S, 4H] is what the backward pass needs; leave it empty if there will be none.
EXPORT int gengraph_gru_forward(int64_t hidden, int64_t threads, ConstInts batch_sizes, ConstFloats gates, ConstFloats initial,
                                ConstFloats weight, ConstFloats bias, Floats states, Floats saved) try {
    if (!sizes_fit(hidden, batch_sizes, gates, initial, weight) || bias.size != 3 * hidden) return BAD_SIZE;
    const int64_t total = gates.size / (3 * hidden);
    if (states.size != total * hidden || (saved.size != 0 && saved.size != 4 * total * hidden)) return BAD_SIZE;
    if (!descends(batch_sizes, initial.size / hidden, total)) return BAD_ORDER;
    const Packed packed(hidden, batch_sizes);
    const Strips strips(hidden, 3, hidden, [&](int64_t i, int64_t c) { return weight.data[c * hidden + i]; });
    const Forward forward{packed, strips,      bias.data, gates.data, initial.data, states.data, saved.size ? saved.data : nullptr};
    over_sequences(packed, threads, [&](int64_t first, int64_t last) { forward.run(first, last); });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

// The gradients of gates [S, 3H], of the recurrent share of new [S, H] and of the initial states [B, H]; and previous [S, H], the
// state before each, which the gradient of the weights is made with.
EXPORT int gengraph_gru_backward(int64_t hidden, int64_t threads, ConstInts batch_sizes, ConstFloats initial, ConstFloats weight,
                                 ConstFloats states, ConstFloats saved, ConstFloats grad_states, Floats previous,
                                 Floats grad_gates, Floats grad_new, Floats grad_initial) try {
    if (!sizes_fit(hidden, batch_sizes, {grad_gates.data, grad_gates.size}, initial, weight)) return BAD_SIZE;
    const int64_t total = grad_gates.size / (3 * hidden);
    if (states.size != total * hidden || saved.size != 4 * total * hidden || grad_states.size != total * hidden ||
        previous.size != total * hidden || grad_new.size != total * hidden || grad_initial.size != initial.size)
        return BAD_SIZE;
    if (!descends(batch_sizes, initial.size / hidden, total)) return BAD_ORDER;
    const Packed packed(hidden, batch_sizes);
    const Strips strips(3 * hidden, 1, hidden, [&](int64_t i, int64_t c) { return weight.data[i * hidden + c]; });
    const Backward backward{packed,           strips,        initial.data,    states.data,   saved.data,
                            grad_states.data, previous.data, grad_gates.data, grad_new.data, grad_initial.data};
    over_sequences(packed, threads, [&](int64_t first, int64_t last) { backward.run(first, last); });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

}  // namespace gengraph
