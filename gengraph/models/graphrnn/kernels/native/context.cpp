// The head of GraphRNN-C over the candidates of rows: their log-likelihood and its gradients.
//
// A block of candidates goes through both layers and back before the next: all that it makes stays in the first cache. Blocks
// are summed in fixed groups, and the gradients of the matrices' rows only for those rows that a group meets.
//
// Legend as in context.h; S candidates of all rows.
#include <memory>
#include <vector>

#include "arrays.h"
#include "context.h"
#include "threads.h"

namespace gengraph {
namespace {

constexpr int64_t GROUPS = 16;  // of blocks, each with sums of its own: the gradients do not depend on the number of threads
constexpr int64_t OUTER_HEIGHT = 4;

struct Candidates {
    int64_t count, num_rows;
    const int32_t *rows, *then_rows, *codes;  // [S], [S], [S, C]
    const uint8_t *bits, *free;               // [S]: whether it was chosen, whether that counts
    const float *now, *then;                  // [R, F], [R, F]
    const float* weight;                      // [R], of each row in the gradients; null where all are 1
};

// Sums of vectors by row of a matrix, with room for those rows alone that are met.
class RowSums {
public:
    RowSums(const int32_t* rows, int64_t count, int64_t num_rows, int64_t size)
        : size_(size), places_(num_rows), met_(number(rows, count, places_)), sums_(met_.size() * size) {}

    float* of(int32_t row) const { return &sums_[(places_[row] - 1) * size_]; }

    // Adds columns first, ..., last - 1 to a matrix of `width`.
    void add_to(float* matrix, int64_t width, int64_t first, int64_t last) const {
        for (size_t i = 0; i < met_.size(); i++)
            for (int64_t j = first; j < last; j++) matrix[met_[i] * width + j] += sums_[i * size_ + j];
    }

private:
    // The rows in the order in which they are met; places: of each row, 1, 2, ..., or 0 if it is not.
    static std::vector<int32_t> number(const int32_t* rows, int64_t count, const Buffer<int32_t>& places) {
        std::vector<int32_t> met;
        for (int64_t i = 0; i < count; i++)
            if (places[rows[i]] == 0) {
                met.push_back(rows[i]);
                places[rows[i]] = static_cast<int32_t>(met.size());
            }
        return met;
    }

    int64_t size_;
    Buffer<int32_t> places_;
    std::vector<int32_t> met_;
    Buffer<float> sums_;
};

// The gradients of a group of candidates, the vectors padded.
struct Sums {
    RowSums now, then, table;
    Buffer<float> inner_weight, inner_bias, outer_weight;
    double outer_bias = 0;

    Sums(const ContextLayout& layout, const Candidates& all, int64_t first, int64_t count)
        : now(all.rows + first, count, all.num_rows, layout.units_size()),
          then(all.then_rows + first, count, all.num_rows, layout.units_size()),
          table(all.codes + first * CODES, count * CODES, layout.entries, layout.units_size()),
          inner_weight(layout.inner_size() * layout.units_size()),
          inner_bias(layout.inner_size()),
          outer_weight(layout.inner_size()) {}

    // Adds what belongs to units first, ..., last - 1 of the first layer.
    void add_rows_to(const ContextLayout& layout, int64_t first, int64_t last, float* grad_now, float* grad_then,
                     float* grad_table) const {
        now.add_to(grad_now, layout.units, first, last);
        then.add_to(grad_then, layout.units, first, last);
        table.add_to(grad_table, layout.units, first, last);
    }

    // Adds what belongs to the other layers.
    void add_to(const ContextLayout& layout, float* grad_parameters) const {
        for (int64_t g = 0; g < layout.inner; g++) {
            for (int64_t f = 0; f < layout.units; f++)
                grad_parameters[layout.inner_weight + g * layout.units + f] += inner_weight[g * layout.units_size() + f];
            grad_parameters[layout.inner_bias + g] += inner_bias[g];
            grad_parameters[layout.outer_weight + g] += outer_weight[g];
        }
        grad_parameters[layout.outer_bias] += static_cast<float>(outer_bias);
    }
};

// sums[p, q] += the sum over s < count of a[s, p] b[s, q], for OUTER_HEIGHT values of p and WIDTH vectors of q.
template <int WIDTH>
void add_products(const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t count, float* sums) {
    Vec products[OUTER_HEIGHT][WIDTH] = {};
    for (int64_t s = 0; s < count; s++, a += a_stride, b += b_stride) {
        UNROLL
        for (int p = 0; p < OUTER_HEIGHT; p++) {
            UNROLL
            for (int q = 0; q < WIDTH; q++) products[p][q] += a[p] * load(b + q * LANES);
        }
    }
    for (int p = 0; p < OUTER_HEIGHT; p++)
        for (int q = 0; q < WIDTH; q++) {
            float* place = sums + p * b_stride + q * LANES;
            store(place, load(place) + products[p][q]);
        }
}

// Log-likelihoods and gradients of blocks of candidates; each thread has one of these at a time.
class Block {
public:
    Block(const ContextHead& head, const Strips& inner_transposed, const Candidates& all)
        : head_(head),
          inner_transposed_(inner_transposed),
          all_(all),
          size_(head.layout.units_size()),
          inner_size_(head.layout.inner_size()),
          units_(BLOCK * size_),
          gradients_(BLOCK * size_),
          inner_(BLOCK * inner_size_),
          logit_gradients_(BLOCK) {}

    // The log-likelihoods of candidates first, ..., first + count - 1.
    void forward(int64_t first, int64_t count, float* log_probs) {
        first_ = first;
        count_ = count;
        for (int64_t s = first; s < first + count; s++) {
            const float *now = all_.now + all_.rows[s] * head_.layout.units, *then = all_.then + all_.then_rows[s] * head_.layout.units;
            head_.add_up(now, then, all_.codes + s * CODES, &units_[(s - first) * size_]);
        }
        head_.second_layer(units_.get(), count, inner_.get());
        for (int64_t i = 0; i < count; i += LANES) decide(i, std::min<int64_t>(LANES, count - i), log_probs + first + i);
    }

    void backward(Sums& sums) {
        inner_gradients(sums);
        for (int64_t g = 0; g < head_.layout.inner; g += OUTER_HEIGHT) {
            int64_t f = 0;
            for (; f + Strips::WIDEST * LANES <= size_; f += Strips::WIDEST * LANES) products<Strips::WIDEST>(g, f, sums);
            for (; f < size_; f += LANES) products<1>(g, f, sums);
        }
        std::fill_n(gradients_.get(), count_ * size_, 0.0f);
        inner_transposed_.multiply(inner_.get(), inner_size_, count_, gradients_.get());
        for (int64_t i = 0; i < count_; i++) spread(i, sums);
    }

private:
    // The log-likelihoods of `count` candidates of the block, and the gradients of their logits.
    void decide(int64_t i, int64_t count, float* log_probs) {
        alignas(64) float bits[LANES] = {}, counts[LANES] = {}, weights[LANES] = {};
        for (int64_t j = 0; j < count; j++) {
            const int64_t s = first_ + i + j;
            bits[j] = all_.bits[s];
            counts[j] = all_.free[s];
            weights[j] = all_.weight ? all_.weight[all_.rows[s]] : 1.0f;
        }
        const Vec logit = head_.logits(&inner_[i * inner_size_], count), bit = load(bits);
        const Vec size = logit < 0.0f ? -logit : logit;
        const Vec least = (bit > 0.0f) == (logit > 0.0f) ? Vec{} : size;  // -log p is this and log(1 + e^-|logit|)
        store(log_probs, -load(counts) * (least + log1p(exp(-size))), count);
        store(&logit_gradients_[i], load(weights) * load(counts) * (bit - sigmoid(logit)));
    }

    // Replaces the second layer by its gradients, before the rectifier.
    void inner_gradients(Sums& sums) {
        for (int64_t g = 0; g < inner_size_; g += LANES) {
            const Vec weight = load(&head_.outer_weight[g]);
            Vec bias_sum{}, weight_sum{};
            for (int64_t i = 0; i < count_; i++) {
                float* place = &inner_[i * inner_size_ + g];
                const Vec before = load(place), grad = splat(logit_gradients_[i]);
                const Vec after = before > 0.0f ? grad * weight : Vec{};
                weight_sum += grad * positive(before);
                bias_sum += after;
                store(place, after);
            }
            store(&sums.outer_weight[g], load(&sums.outer_weight[g]) + weight_sum);
            store(&sums.inner_bias[g], load(&sums.inner_bias[g]) + bias_sum);
        }
        for (int64_t i = 0; i < count_; i++) sums.outer_bias += logit_gradients_[i];
    }

    template <int WIDTH>
    void products(int64_t g, int64_t f, Sums& sums) const {
        add_products<WIDTH>(&inner_[g], inner_size_, &units_[f], size_, count_, &sums.inner_weight[g * size_ + f]);
    }

    // Adds the gradient of a candidate's first layer to those of all the rows that were added up.
    void spread(int64_t i, Sums& sums) const {
        const int64_t candidate = first_ + i;
        const int32_t* codes = all_.codes + candidate * CODES;
        float* rows[2 + CODES] = {sums.now.of(all_.rows[candidate]), sums.then.of(all_.then_rows[candidate])};
        for (int64_t c = 0; c < CODES; c++) rows[2 + c] = sums.table.of(codes[c]);
        for (int64_t f = 0; f < size_; f += LANES) {
            const Vec grad = load(&units_[i * size_ + f]) > 0.0f ? load(&gradients_[i * size_ + f]) : Vec{};
            for (float* row : rows) store(row + f, load(row + f) + grad);
        }
    }

    const ContextHead& head_;
    const Strips& inner_transposed_;  // [G, F]
    const Candidates& all_;
    const int64_t size_, inner_size_;
    Buffer<float> units_, gradients_, inner_;  // [BLOCK, F], [BLOCK, F], [BLOCK, G]
    Buffer<float> logit_gradients_;
    int64_t first_ = 0, count_ = 0;
};

bool below(ConstIndices indices, int64_t bound) {
    bool result = true;
    for (int64_t i = 0; i < indices.size; i++) result &= indices.data[i] >= 0 && indices.data[i] < bound;
    return result;
}

}  // namespace

// The log-likelihoods [R] of rows and, unless grad_parameters is empty, the gradients of their sum, weighted by `weight` [R] if
// that is not empty. now and then are [R, F]; parameters are flat, as Layout says. A candidate's first layer is the rectified
// sum of a row of `now`, one of `then` and C of the table.
EXPORT int gengraph_context_log_prob(int64_t units, int64_t inner, int64_t threads, ConstIndices rows, ConstIndices then_rows,
                                     ConstIndices codes, ConstBytes bits, ConstBytes free, ConstFloats now, ConstFloats then,
                                     ConstFloats parameters, ConstFloats weight, Floats log_probs, Floats grad_now,
                                     Floats grad_then, Floats grad_parameters) try {
    const int64_t most = 1 << 12, count = rows.size, num_rows = log_probs.size;
    if (units < 1 || units > most || inner < 1 || inner > most) return BAD_SIZE;
    const ContextLayout layout(units, inner, parameters.size);
    const bool wants_gradients = grad_parameters.size != 0;
    if (layout.entries < 1 || !layout.fits(parameters.size) || then_rows.size != count || codes.size != CODES * count ||
        bits.size != count || free.size != count || now.size != num_rows * units || then.size != num_rows * units ||
        (weight.size != 0 && weight.size != num_rows) ||
        (wants_gradients &&
         (grad_parameters.size != parameters.size || grad_now.size != now.size || grad_then.size != then.size)))
        return BAD_SIZE;
    if (!below(rows, num_rows) || !below(then_rows, num_rows) || !below(codes, layout.entries)) return BAD_ORDER;
    const Candidates all{count,     num_rows,  rows.data, then_rows.data, codes.data,
                         bits.data, free.data, now.data,  then.data,      weight.size ? weight.data : nullptr};
    const ContextHead head(layout, parameters.data);
    const float* inner_weight = parameters.data + layout.inner_weight;
    const Strips inner_transposed(inner, 1, units, [&](int64_t g, int64_t f) { return inner_weight[g * units + f]; });
    const int64_t blocks = (count + BLOCK - 1) / BLOCK, groups = std::min(GROUPS, blocks);
    std::vector<float> of_candidates(count);
    std::vector<std::unique_ptr<Sums>> sums(groups);
    parallel(threads, groups, [&](int64_t group) {
        const int64_t first = group * blocks / groups * BLOCK, end = std::min(count, (group + 1) * blocks / groups * BLOCK);
        Block block(head, inner_transposed, all);
        if (wants_gradients) sums[group] = std::make_unique<Sums>(layout, all, first, end - first);
        for (int64_t s = first; s < end; s += BLOCK) {
            block.forward(s, std::min(BLOCK, end - s), of_candidates.data());
            if (wants_gradients) block.backward(*sums[group]);
        }
    });
    std::vector<double> of_rows(num_rows);
    for (int64_t s = 0; s < count; s++) of_rows[rows.data[s]] += of_candidates[s];
    std::copy(of_rows.begin(), of_rows.end(), log_probs.data);
    for (Floats grad : {grad_now, grad_then, grad_parameters}) std::fill_n(grad.data, grad.size, 0.0f);
    if (!wants_gradients) return OK;
    for (const auto& group : sums) group->add_to(layout, grad_parameters.data);
    const int64_t parts = std::clamp<int64_t>(threads, 1, vectors_of(units));
    parallel(threads, parts, [&](int64_t part) {
        const int64_t from = part * vectors_of(units) / parts * LANES, to = (part + 1) * vectors_of(units) / parts * LANES;
        for (const auto& group : sums)
            group->add_rows_to(layout, from, std::min(to, units), grad_now.data, grad_then.data, grad_parameters.data);
    });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

}  // namespace gengraph
