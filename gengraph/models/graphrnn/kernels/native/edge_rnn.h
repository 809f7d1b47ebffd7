// The edge-level network for as many rows as a vector has lanes.
//
// Its first layer sees only whether the bit before was set, so that a table of two rows replaces embedding and input weights.
// Hidden sizes are padded to whole tiles with weights of 0: the padding of states is 0 and stays so.
//
// Legend: H hidden size, E units of the output's hidden layer, K layers, P the sizes padded.
#pragma once

#include <cstdint>
#include <vector>

#include "gru.h"
#include "tiles.h"

namespace gengraph {

// Where the parameters stand in a flat array.
struct Layout {
    struct Layer {
        int64_t input_weight, input_bias, hidden_weight, hidden_bias;  // [3H, H], [3H], [3H, H], [3H]
    };
    int64_t hidden, inner;  // H, E
    int64_t table;          // [2, 3H], the first layer's input gates for the bits 0 and 1
    std::vector<Layer> layers;  // the first has no input weight and bias
    int64_t inner_weight, inner_bias, outer_weight, outer_bias;  // [E, H], [E], [E], [1]
    int64_t total;

    Layout(int64_t hidden, int64_t num_layers, int64_t inner) : hidden(hidden), inner(inner) {
        int64_t end = 0;
        auto take = [&end](int64_t size) { return (end += size) - size; };
        table = take(6 * hidden);
        for (int64_t k = 0; k < num_layers; k++) {
            Layer layer;
            layer.input_weight = take(k ? 3 * hidden * hidden : 0);
            layer.input_bias = take(k ? 3 * hidden : 0);
            layer.hidden_weight = take(3 * hidden * hidden);
            layer.hidden_bias = take(3 * hidden);
            layers.push_back(layer);
        }
        inner_weight = take(inner * hidden);
        inner_bias = take(inner);
        outer_weight = take(inner);
        outer_bias = take(1);
        total = end;
    }

    int64_t num_layers() const { return static_cast<int64_t>(layers.size()); }
};

// What one step leaves, in vectors. The backward pass puts the gradients of the gates in the place of the gates.
struct Slot {
    int64_t hidden, num_layers, inner;  // padded

    explicit Slot(const Layout& layout)
        : hidden(padded(layout.hidden)), num_layers(layout.num_layers()), inner(padded(layout.inner)) {}
    int64_t state(int64_t layer) const { return layer * 5 * hidden; }
    int64_t gates(int64_t layer) const { return state(layer) + hidden; }  // reset, update, new
    int64_t recurrent_new(int64_t layer) const { return state(layer) + 4 * hidden; }
    int64_t inner_units() const { return num_layers * 5 * hidden; }
    int64_t logit_gradient() const { return inner_units() + inner; }
    int64_t size() const { return logit_gradient() + 1; }
};

class EdgeNetwork {
public:
    EdgeNetwork(const Layout& layout, const float* parameters)
        : slot_(layout),
          zero_(gate_vector(parameters + layout.table, layout.hidden)),
          one_(gate_vector(parameters + layout.table + 3 * layout.hidden, layout.hidden)),
          inner_(slot_.inner, slot_.hidden),
          inner_transposed_(slot_.hidden, slot_.inner),
          inner_bias_(slot_.inner),
          outer_weight_(slot_.inner),
          outer_bias_(parameters[layout.outer_bias]) {
        for (const auto& layer : layout.layers) layers_.emplace_back(layer, parameters, layout.hidden, layers_.empty());
        for (int64_t e = 0; e < layout.inner; e++) {
            inner_bias_[e] = parameters[layout.inner_bias + e];
            outer_weight_[e] = parameters[layout.outer_weight + e];
            for (int64_t i = 0; i < layout.hidden; i++)
                inner_.at(e, i) = inner_transposed_.at(i, e) = parameters[layout.inner_weight + e * layout.hidden + i];
        }
    }

    const Slot& slot() const { return slot_; }

    // Vectors of scratch that a step needs.
    int64_t scratch_size() const { return 6 * slot_.hidden; }

    // One step: fills the slot `after` from the states in `before`, and returns the logits of the bits.
    Vec step(IntVec bit_before, const Vec* before, Vec* after, Vec* scratch) const {
        const int64_t hidden = slot_.hidden;
        Vec *gates = scratch, *recurrent = scratch + 3 * hidden;
        for (int64_t k = 0; k < slot_.num_layers; k++) {
            const Layer& layer = layers_[k];
            if (k == 0) {
                for (int64_t j = 0; j < 3 * hidden; j++) gates[j] = bit_before ? splat(one_[j]) : splat(zero_[j]);
            } else {
                layer.input.multiply([&](int64_t j) { return splat(layer.input_bias[j]); }, after + slot_.state(k - 1), gates);
            }
            layer.recurrent.multiply([&](int64_t j) { return splat(layer.recurrent_bias[j]); }, before + slot_.state(k), recurrent);
            update(gates, recurrent, before + slot_.state(k), after + slot_.state(k));
        }
        Vec* units = after + slot_.inner_units();
        inner_.multiply([&](int64_t e) { return splat(inner_bias_[e]); }, after + slot_.state(slot_.num_layers - 1), units);
        Vec logit = splat(outer_bias_);
        for (int64_t e = 0; e < slot_.inner; e++) {
            units[e] = units[e] < 0.0f ? Vec{} : units[e];
            logit += units[e] * outer_weight_[e];
        }
        return logit;
    }

    // The gradients of one step, whose logit's gradient stands in the slot. `carried` [K, P] holds the gradients of the states
    // that come from the next step, and then those for the step before. The slot's gates are replaced by their gradients.
    void back(const Vec* before, Vec* after, Vec* carried, Vec* scratch) const {
        const int64_t hidden = slot_.hidden;
        Vec *from_above = scratch, *units = scratch + hidden;
        inner_gradients(after, units);
        inner_transposed_.multiply([](int64_t) { return Vec{}; }, units, from_above);
        for (int64_t k = slot_.num_layers - 1; k >= 0; k--) {
            const Layer& layer = layers_[k];
            Vec *own = carried + k * hidden, *gates = after + slot_.gates(k), *recurrent_new = after + slot_.recurrent_new(k);
            gate_gradients(before + slot_.state(k), after + slot_.state(k), from_above, own);
            layer.recurrent_transposed.multiply([&](int64_t j) { return own[j]; }, gates, 2 * hidden, recurrent_new, own);
            if (k) layer.input_transposed.multiply([](int64_t) { return Vec{}; }, gates, from_above);
        }
    }

    // The gradients before the rectifier of the output's hidden layer.
    void inner_gradients(const Vec* after, Vec* units) const {
        const Vec grad = after[slot_.logit_gradient()];
        for (int64_t e = 0; e < slot_.inner; e++)
            units[e] = after[slot_.inner_units() + e] > 0.0f ? grad * outer_weight_[e] : Vec{};
    }

private:
    struct Layer {
        Tiles input, input_transposed, recurrent, recurrent_transposed;
        std::vector<float> input_bias, recurrent_bias;

        Layer(const Layout::Layer& at, const float* parameters, int64_t hidden, bool first)
            : input(first ? Tiles(0, 0) : gate_matrix(parameters + at.input_weight, hidden, false)),
              input_transposed(first ? Tiles(0, 0) : gate_matrix(parameters + at.input_weight, hidden, true)),
              recurrent(gate_matrix(parameters + at.hidden_weight, hidden, false)),
              recurrent_transposed(gate_matrix(parameters + at.hidden_weight, hidden, true)),
              input_bias(first ? std::vector<float>() : gate_vector(parameters + at.input_bias, hidden)),
              recurrent_bias(gate_vector(parameters + at.hidden_bias, hidden)) {}
    };

    static std::vector<float> gate_vector(const float* values, int64_t hidden) {
        std::vector<float> result(3 * padded(hidden));
        for (int64_t gate = 0; gate < 3; gate++)
            for (int64_t j = 0; j < hidden; j++) result[gate * padded(hidden) + j] = values[gate * hidden + j];
        return result;
    }

    static Tiles gate_matrix(const float* values, int64_t hidden, bool transposed) {
        const int64_t size = padded(hidden);
        Tiles result = transposed ? Tiles(size, 3 * size) : Tiles(3 * size, size);
        for (int64_t gate = 0; gate < 3; gate++)
            for (int64_t j = 0; j < hidden; j++)
                for (int64_t i = 0; i < hidden; i++) {
                    const int64_t row = gate * size + j;
                    (transposed ? result.at(i, row) : result.at(row, i)) = values[(gate * hidden + j) * hidden + i];
                }
        return result;
    }

    // The gates and the state after, which begins the layer's part of a slot.
    void update(const Vec* gates, const Vec* recurrent, const Vec* before, Vec* after) const {
        const int64_t hidden = slot_.hidden;
        for (int64_t j = 0; j < hidden; j++) {
            const Units units(gates[j] + recurrent[j], gates[hidden + j] + recurrent[hidden + j], gates[2 * hidden + j],
                              recurrent[2 * hidden + j], before[j]);
            after[j] = units.state;
            after[hidden + j] = units.reset;
            after[2 * hidden + j] = units.update;
            after[3 * hidden + j] = units.made;
            after[4 * hidden + j] = recurrent[2 * hidden + j];
        }
    }

    // Replaces gates by their gradients, and `carried` by the share of the state before that skips the gates.
    void gate_gradients(const Vec* before, Vec* after, const Vec* from_above, Vec* carried) const {
        const int64_t hidden = slot_.hidden;
        for (int64_t j = 0; j < hidden; j++) {
            const Vec grad = from_above[j] + carried[j];
            const Vec reset = after[hidden + j], update = after[2 * hidden + j], made = after[3 * hidden + j];
            const Vec by_new = grad * (1.0f - update) * (1.0f - made * made);
            after[hidden + j] = by_new * after[4 * hidden + j] * (reset * (1.0f - reset));
            after[2 * hidden + j] = grad * (before[j] - made) * (update * (1.0f - update));
            after[3 * hidden + j] = by_new;
            after[4 * hidden + j] = by_new * reset;
            carried[j] = grad * update;
        }
    }

    Slot slot_;
    std::vector<float> zero_, one_;  // [3P]
    std::vector<Layer> layers_;
    Tiles inner_, inner_transposed_;
    std::vector<float> inner_bias_, outer_weight_;
    float outer_bias_;
};

}  // namespace gengraph
