// The edge-level network over the bits of rows: their log-likelihood, its gradients, and draws.
//
// Rows are taken as many at a time as a vector has lanes. All steps of such a block are done before the next, forward and
// backward, so that what a step leaves for its gradient is still in the cache.
//
// Legend: R rows by descending width, T steps, S steps of all rows together, H hidden size, K layers.
#include "edge_rnn.h"

#include <memory>

#include "arrays.h"
#include "threads.h"

namespace gengraph {
namespace {

constexpr int64_t GROUPS = 16;  // of blocks, each with sums of its own: the gradients do not depend on the number of threads

// Packed time-major, like the states of the node level: the first batch_sizes[t] rows have step t.
struct Rows {
    int64_t num_rows, num_starts;  // layers that have a start; those above start at 0
    const int64_t* step_sizes;
    std::vector<int64_t> offsets;            // [T + 1]
    const uint8_t *bits, *previous, *free;   // [S]: the bit, the bit before, whether it counts
    const float *start, *weight;             // [R, num_starts, H]; [R], of each row in the gradients

    // What a block's rows have at step t, one lane each; lanes without are 0.
    Vec lanes(const uint8_t* values, int64_t t, int64_t first) const {
        alignas(64) float result[LANES] = {};
        const int64_t count = std::min<int64_t>(LANES, step_sizes[t] - first);
        for (int64_t i = 0; i < count; i++) result[i] = values[offsets[t] + first + i];
        return load(result);
    }

    int64_t steps(int64_t first) const {
        int64_t t = static_cast<int64_t>(offsets.size()) - 1;
        while (step_sizes[t - 1] <= first) t--;
        return t;
    }
};

// `size` numbers of each of `count` rows as vectors of lanes, and back.
void to_lanes(const float* rows, int64_t count, int64_t stride, int64_t size, Vec* lanes) {
    for (int64_t j = 0; j < size; j++) {
        alignas(64) float values[LANES] = {};
        for (int64_t i = 0; i < count; i++) values[i] = rows[i * stride + j];
        lanes[j] = load(values);
    }
}

void from_lanes(const Vec* lanes, int64_t count, int64_t stride, int64_t size, float* rows) {
    for (int64_t j = 0; j < size; j++)
        for (int64_t i = 0; i < count; i++) rows[i * stride + j] = lanes[j][i];
}

// Puts the start states [count, num_starts, H] of rows into a slot.
void begin(const float* start, int64_t count, int64_t num_starts, int64_t hidden, const Slot& slot, Vec* place) {
    for (int64_t k = 0; k < num_starts; k++)
        to_lanes(start + k * hidden, count, num_starts * hidden, hidden, place + slot.state(k));
}

// Log-likelihood and gradients of blocks of rows; each thread has one of these at a time.
class Block {
public:
    Block(const EdgeNetwork& network, const Layout& layout, const Rows& rows)
        : network_(network),
          layout_(layout),
          slot_(network.slot()),
          rows_(rows),
          steps_((rows.offsets.size()) * slot_.size()),
          scratch_(network.scratch_size()),
          carried_(slot_.num_layers * slot_.hidden),
          bit_sums_(6 * slot_.hidden) {}

    // The log-likelihoods of rows first, first + 1, ...
    void forward(int64_t first, float* log_probs) {
        first_ = first;
        count_ = std::min<int64_t>(LANES, rows_.num_rows - first);
        num_steps_ = rows_.steps(first);
        const float* start = rows_.start + first * rows_.num_starts * layout_.hidden;
        begin(start, count_, rows_.num_starts, layout_.hidden, slot_, steps_.get());
        const Vec weight = rows_.weight ? load(rows_.weight + first, count_) : splat(1.0f);
        Vec sum{};
        for (int64_t t = 0; t < num_steps_; t++) {
            const IntVec bit_before = rows_.lanes(rows_.previous, t, first) > 0.0f;
            const Vec logit = network_.step(bit_before, before(t), after(t), scratch_.get());
            const Vec bit = rows_.lanes(rows_.bits, t, first), counts = rows_.lanes(rows_.free, t, first);
            const Vec size = logit < 0.0f ? -logit : logit;
            const Vec least = (bit > 0.0f) == (logit > 0.0f) ? Vec{} : size;  // -log p is this and log(1 + e^-|logit|)
            sum -= counts * (least + log1p(exp(-size)));
            after(t)[slot_.logit_gradient()] = weight * counts * (bit - sigmoid(logit));
        }
        store(log_probs + first, sum, count_);
    }

    // Adds the gradients of the parameters to `sums`, in the order of Layout, and writes those of the start states.
    void backward(double* sums, float* grad_start) {
        std::fill_n(carried_.get(), slot_.num_layers * slot_.hidden, Vec{});
        std::fill_n(bit_sums_.get(), 6 * slot_.hidden, Vec{});
        for (int64_t t = num_steps_ - 1; t >= 0; t--) {
            network_.back(before(t), after(t), carried_.get(), scratch_.get());
            add_by_bit(rows_.lanes(rows_.previous, t, first_) > 0.0f, after(t) + slot_.gates(0));
        }
        const int64_t stride = rows_.num_starts * layout_.hidden;
        for (int64_t k = 0; k < rows_.num_starts; k++)
            from_lanes(&carried_[k * slot_.hidden], count_, stride, layout_.hidden, grad_start + first_ * stride + k * layout_.hidden);
        add_gates(bit_sums_.get(), sums + layout_.table);
        add_gates(bit_sums_.get() + 3 * slot_.hidden, sums + layout_.table + 3 * layout_.hidden);
        for (int64_t k = 0; k < slot_.num_layers; k++) layer_sums(k, sums);
        output_sums(sums);
    }

private:
    Vec* before(int64_t t) { return &steps_[t * slot_.size()]; }
    Vec* after(int64_t t) { return before(t + 1); }

    // The gradients of the first layer's input gates, apart for the bits 0 and 1.
    void add_by_bit(IntVec bit_before, const Vec* gates) {
        for (int64_t j = 0; j < 3 * slot_.hidden; j++) {
            bit_sums_[j] += bit_before ? Vec{} : gates[j];
            bit_sums_[3 * slot_.hidden + j] += bit_before ? gates[j] : Vec{};
        }
    }

    // Adds the lanes of [3, P] vectors to sums [3, H].
    void add_gates(const Vec* gates, double* sums) const {
        for (int64_t gate = 0; gate < 3; gate++) add_units(gates + gate * slot_.hidden, layout_.hidden, sums + gate * layout_.hidden);
    }

    static void add_units(const Vec* units, int64_t size, double* sums) {
        for (int64_t first = 0; first < size; first += TILE) {
            float totals[TILE];
            sums_over_lanes(units + first, TILE, totals);
            for (int64_t j = first; j < std::min(size, first + TILE); j++) sums[j] += totals[j - first];
        }
    }

    void layer_sums(int64_t k, double* sums) {
        const auto& at = layout_.layers[k];
        const int64_t size = layout_.hidden;
        for (int64_t gate = 0; gate < 3; gate++) {
            const Vec* input_share = after(0) + slot_.gates(k) + gate * slot_.hidden;
            const Vec* recurrent_share = gate < 2 ? input_share : after(0) + slot_.recurrent_new(k);
            if (k) {
                products(input_share, size, after(0) + slot_.state(k - 1), sums + at.input_weight + gate * size * size);
                totals(input_share, size, sums + at.input_bias + gate * size);
            }
            products(recurrent_share, size, before(0) + slot_.state(k), sums + at.hidden_weight + gate * size * size);
            totals(recurrent_share, size, sums + at.hidden_bias + gate * size);
        }
    }

    void output_sums(double* sums) {
        const Vec* units = after(0) + slot_.inner_units();
        Vec total{};
        std::fill_n(scratch_.get(), slot_.inner, Vec{});
        for (int64_t t = 0; t < num_steps_; t++) {
            const Vec grad = after(t)[slot_.logit_gradient()];
            total += grad;
            for (int64_t e = 0; e < slot_.inner; e++) scratch_[e] += grad * units[t * slot_.size() + e];
            network_.inner_gradients(after(t), after(t) + slot_.inner_units());
        }
        add_units(scratch_.get(), layout_.inner, sums + layout_.outer_weight);
        for (int i = 0; i < LANES; i++) sums[layout_.outer_bias] += total[i];
        products(units, layout_.inner, after(0) + slot_.state(slot_.num_layers - 1), sums + layout_.inner_weight);
        totals(units, layout_.inner, sums + layout_.inner_bias);
    }

    // Adds to sums [size, H] the products of what stands at two places of every slot, over steps and lanes.
    void products(const Vec* a, int64_t size, const Vec* b, double* sums) const {
        for (int64_t p = 0; p < size; p += OUTER_ROWS)
            for (int64_t q = 0; q < layout_.hidden; q += OUTER_COLUMNS) {
                float tile[OUTER_ROWS * OUTER_COLUMNS];
                outer_sums(a + p, b + q, slot_.size(), num_steps_, tile);
                for (int64_t i = p; i < std::min(size, p + OUTER_ROWS); i++)
                    for (int64_t j = q; j < std::min<int64_t>(layout_.hidden, q + OUTER_COLUMNS); j++)
                        sums[i * layout_.hidden + j] += tile[(i - p) * OUTER_COLUMNS + j - q];
            }
    }

    // Adds to sums [size] what stands at a place of every slot, over steps and lanes.
    void totals(const Vec* a, int64_t size, double* sums) const {
        for (int64_t first = 0; first < size; first += TILE) {
            Vec units[TILE] = {};
            for (int64_t t = 0; t < num_steps_; t++)
                for (int j = 0; j < TILE; j++) units[j] += a[t * slot_.size() + first + j];
            add_units(units, std::min<int64_t>(TILE, size - first), sums + first);
        }
    }

    const EdgeNetwork& network_;
    const Layout& layout_;
    const Slot slot_;
    const Rows& rows_;
    Buffer<Vec> steps_;  // [T + 1] slots; the first holds the states before the first step
    Buffer<Vec> scratch_, carried_, bit_sums_;
    int64_t first_ = 0, count_ = 0, num_steps_ = 0;
};

bool sizes_fit(int64_t hidden, int64_t num_layers, int64_t inner, ConstFloats parameters) {
    const int64_t most = 1 << 12;
    if (hidden < 1 || hidden > most || num_layers < 1 || num_layers > most || inner < 0 || inner > most) return false;
    return parameters.size == Layout(hidden, num_layers, inner).total;
}

// How many layers have a start, 0 if none: start is [R, num_starts, H].
int64_t starts_of(ConstFloats start, int64_t num_rows, int64_t hidden, int64_t num_layers) {
    if (num_rows < 1 || num_rows > start.size || start.size % (num_rows * hidden) != 0) return 0;
    const int64_t num_starts = start.size / (num_rows * hidden);
    return num_starts <= num_layers ? num_starts : 0;
}

}  // namespace

// The log-likelihoods [R] of rows and, unless grad_parameters is empty, the gradients of their sum, weighted by `weight` [R] if
// that is not empty. Parameters are flat, as Layout says; start [R, K', H] is that of the first K' layers, the others start at 0.
EXPORT int gengraph_edge_log_prob(int64_t hidden, int64_t num_layers, int64_t inner, int64_t threads, ConstInts step_sizes,
                                  ConstBytes bits, ConstBytes previous, ConstBytes free, ConstFloats start,
                                  ConstFloats parameters, ConstFloats weight, Floats log_probs, Floats grad_start,
                                  Floats grad_parameters) try {
    if (!sizes_fit(hidden, num_layers, inner, parameters) || step_sizes.size < 1) return BAD_SIZE;
    const int64_t num_rows = log_probs.size, num_starts = starts_of(start, num_rows, hidden, num_layers);
    const bool wants_gradients = grad_parameters.size != 0;
    if (num_starts == 0 || previous.size != bits.size || free.size != bits.size ||
        (weight.size != 0 && weight.size != num_rows) ||
        (wants_gradients && (grad_parameters.size != parameters.size || grad_start.size != start.size)))
        return BAD_SIZE;
    if (!descends(step_sizes, num_rows, bits.size)) return BAD_ORDER;
    Rows rows{num_rows,      num_starts, step_sizes.data, {0}, bits.data, previous.data, free.data, start.data,
              weight.size ? weight.data : nullptr};
    for (int64_t t = 0; t < step_sizes.size; t++) rows.offsets.push_back(rows.offsets.back() + step_sizes.data[t]);
    const Layout layout(hidden, num_layers, inner);
    const EdgeNetwork network(layout, parameters.data);
    const int64_t blocks = (num_rows + LANES - 1) / LANES, groups = std::min(GROUPS, blocks);
    std::vector<double> sums(wants_gradients ? groups * layout.total : 0);
    parallel(threads, groups, [&](int64_t group) {
        Block block(network, layout, rows);
        for (int64_t b = group; b < blocks; b += groups) {
            block.forward(b * LANES, log_probs.data);
            if (wants_gradients) block.backward(&sums[group * layout.total], grad_start.data);
        }
    });
    for (int64_t i = 0; i < grad_parameters.size; i++) {
        double sum = 0;
        for (int64_t group = 0; group < groups; group++) sum += sums[group * layout.total + i];
        grad_parameters.data[i] = static_cast<float>(sum);
    }
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

// Draws rows: bits [R, T] in the order of the scan, a bit being 1 where its logit exceeds the threshold [R, T]. Row r has
// widths[r] of them, the others are 0. With never_empty the last bit is 1 if no other is; with reversed a row is
// written from its last bit to its first.
EXPORT int gengraph_edge_sample(int64_t hidden, int64_t num_layers, int64_t inner, int64_t threads, ConstInts widths,
                                ConstFloats start, ConstFloats parameters, ConstFloats thresholds, int64_t never_empty,
                                int64_t reversed, Bytes bits) try {
    if (!sizes_fit(hidden, num_layers, inner, parameters)) return BAD_SIZE;
    const int64_t num_rows = widths.size, num_starts = starts_of(start, num_rows, hidden, num_layers);
    if (num_starts == 0 || thresholds.size % num_rows != 0 || bits.size != thresholds.size) return BAD_SIZE;
    const int64_t most = thresholds.size / num_rows;
    for (int64_t r = 0; r < num_rows; r++)
        if (widths.data[r] < 0 || widths.data[r] > most) return BAD_ORDER;
    const Layout layout(hidden, num_layers, inner);
    const EdgeNetwork network(layout, parameters.data);
    const Slot slot = network.slot();
    parallel(threads, (num_rows + LANES - 1) / LANES, [&](int64_t block) {
        const int64_t first = block * LANES, count = std::min<int64_t>(LANES, num_rows - first);
        Buffer<Vec> slots(2 * slot.size()), scratch(network.scratch_size());
        begin(start.data + first * num_starts * hidden, count, num_starts, hidden, slot, slots.get());
        const int64_t* width = widths.data + first;
        const int64_t steps = *std::max_element(width, width + count);
        uint8_t* row = bits.data + first * most;
        std::fill_n(row, count * most, uint8_t{0});
        bool any[LANES] = {};
        IntVec bit_before = IntVec{} == IntVec{};
        for (int64_t t = 0; t < steps; t++) {
            alignas(64) float threshold[LANES] = {};
            for (int64_t i = 0; i < count; i++) threshold[i] = thresholds.data[(first + i) * most + t];
            const Vec logit = network.step(bit_before, &slots[t % 2 * slot.size()], &slots[(t + 1) % 2 * slot.size()], scratch.get());
            bit_before = logit > load(threshold);
            for (int64_t i = 0; i < count; i++) {
                if (t >= width[i]) continue;
                const bool certain = never_empty && !any[i] && t == width[i] - 1;
                const uint8_t bit = bit_before[i] || certain;
                any[i] = any[i] || bit;
                row[i * most + (reversed ? width[i] - 1 - t : t)] = bit;
            }
        }
    });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

}  // namespace gengraph
