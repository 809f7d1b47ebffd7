// Drawing rows of GraphRNN-C: one decision of many lanes at a time, each described by the graph that its lane has built so far.
//
// What is described, and how graphs are kept, is said in sequences/context.py, which does the same for training and for other
// back-ends; the numbers that name codes stand there, too.
//
// Legend as in context.h; B lanes, M candidates at most, N nodes, E half-edges, W thresholds of a row.
#include <numeric>
#include <vector>

#include "arrays.h"
#include "context.h"
#include "threads.h"

namespace gengraph {
namespace {

constexpr int32_t MOST_CHOSEN = 7, MOST_ADJACENT = 5, MOST_DEGREE = 11, MOST_COMMON = 5;
constexpr int32_t CHOSEN_CODES = (MOST_CHOSEN + 1) * (MOST_ADJACENT + 1), DEGREE_CODES = (MOST_DEGREE + 1) * 2;
constexpr int32_t COMMON_CODES = (MOST_COMMON + 1) * (MOST_COMMON + 1);
enum Feature { DISTANCE, FAR_END, GAP, CHOSEN, CHOSEN_ADJACENT, DEGREE, LAST_ADJACENT, COMMON_FIRST, COMMON_LAST, FEATURES };

// A graph that grows: of every node its first half-edge and its degree, of every half-edge the next of its node and its end.
struct Graph {
    int32_t *first, *degree, *following, *target;
    int64_t filled;

    template <class Visit>
    void neighbours(int64_t node, Visit visit) const {
        for (int32_t edge = first[node]; edge >= 0; edge = following[edge]) visit(target[edge]);
    }

    void link(int64_t node, int64_t neighbour) {
        following[filled] = first[node];
        target[filled] = static_cast<int32_t>(neighbour);
        first[node] = static_cast<int32_t>(filled++);
        degree[node]++;
    }
};

// The candidates of the node that comes after `newest`, oldest first.
class Window {
public:
    // `scratch` has room for 4 numbers of each candidate.
    Window(Graph graph, int64_t newest, int64_t width, int64_t bound, int32_t* scratch)
        : graph_(graph),
          width_(width),
          oldest_(newest + 1 - width),
          bound_(static_cast<int32_t>(bound)),
          adjacent_(scratch),
          last_adjacent_(scratch + width),
          common_first_(scratch + 2 * width),
          common_last_(scratch + 3 * width) {
        std::fill_n(scratch, 4 * width, 0);
        graph_.neighbours(newest, [&](int32_t node) {
            if (node >= oldest_) last_adjacent_[node - oldest_] = 1;
        });
        count_common(newest, common_last_);
    }

    bool empty() const { return num_chosen_ == 0; }
    int64_t width() const { return width_; }
    int64_t node(int64_t i) const { return oldest_ + i; }

    void describe(int64_t i, const uint8_t* used, int32_t* codes) const {
        auto value = [used](Feature feature, int64_t number, int32_t most) {
            return used[feature] ? static_cast<int32_t>(std::min<int64_t>(number, most)) : 0;
        };
        const int32_t chosen = value(CHOSEN, num_chosen_, MOST_CHOSEN), adjacent = value(CHOSEN_ADJACENT, adjacent_[i], MOST_ADJACENT);
        const int32_t degree = value(DEGREE, graph_.degree[node(i)], MOST_DEGREE), last = value(LAST_ADJACENT, last_adjacent_[i], 1);
        const int32_t with_first = value(COMMON_FIRST, common_first_[i], MOST_COMMON);
        const int32_t with_last = value(COMMON_LAST, common_last_[i], MOST_COMMON);
        codes[0] = value(DISTANCE, width_ - 1 - i, bound_);
        codes[1] = bound_ + value(FAR_END, i, bound_);
        codes[2] = 2 * bound_ + (num_chosen_ ? value(GAP, i - last_chosen_, bound_) : 0);
        codes[3] = 3 * bound_ + chosen * (MOST_ADJACENT + 1) + adjacent;
        codes[4] = 3 * bound_ + CHOSEN_CODES + 2 * degree + last;
        codes[5] = 3 * bound_ + CHOSEN_CODES + DEGREE_CODES + with_first * (MOST_COMMON + 1) + with_last;
    }

    void choose(int64_t i) {
        graph_.neighbours(node(i), [&](int32_t neighbour) {
            if (neighbour >= oldest_) adjacent_[neighbour - oldest_]++;
        });
        if (num_chosen_ == 0) count_common(node(i), common_first_);
        num_chosen_++;
        last_chosen_ = i;
    }

    // Links the new node to the candidates whose bits, nearest first, are set; returns the half-edges that there are now.
    int64_t end(const uint8_t* bits) {
        for (int64_t k = 0; k < width_; k++)
            if (bits[k]) {
                const int64_t added = oldest_ + width_, neighbour = added - 1 - k;
                graph_.link(added, neighbour);
                graph_.link(neighbour, added);
            }
        return graph_.filled;
    }

private:
    // Adds one to each candidate for each common neighbour with the node.
    void count_common(int64_t node, int32_t* counts) const {
        graph_.neighbours(node, [&](int32_t between) {
            graph_.neighbours(between, [&](int32_t other) {
                if (other >= oldest_) counts[other - oldest_]++;
            });
        });
    }

    Graph graph_;
    int64_t width_, oldest_, num_chosen_ = 0, last_chosen_ = 0;
    int32_t bound_;
    int32_t *adjacent_, *last_adjacent_, *common_first_, *common_last_;
};

struct Lanes {
    int64_t bound, nodes, half_edges, widest;  // M, N, E, W
    const uint8_t* used;
    const float *now, *thresholds;           // [B, F], [B, W]
    const int64_t *widths, *newest;          // [B]
    float* memory;                           // [B, M, F], of the last nodes; node v stands at v mod M
    int32_t *first, *degree;                 // [B, N]
    int32_t *following, *target;             // [B, E]
    int64_t* filled;                         // [B]
    uint8_t* bits;                           // [B, W]

    Graph graph(int64_t lane) const {
        return {first + lane * nodes, degree + lane * nodes, following + lane * half_edges, target + lane * half_edges, filled[lane]};
    }
};

// Draws the rows of at most BLOCK lanes, widest first.
class Group {
public:
    Group(const ContextHead& head, const Lanes& lanes, const int64_t* order, int64_t count)
        : head_(head),
          lanes_(lanes),
          order_(order),
          scratch_(4 * lanes.bound * count),
          units_(BLOCK * head.layout.units_size()),
          inner_(BLOCK * head.layout.inner_size()) {
        for (int64_t j = 0; j < count; j++)
            windows_.emplace_back(lanes.graph(order[j]), lanes.newest[order[j]], lanes.widths[order[j]], lanes.bound,
                                  &scratch_[4 * lanes.bound * j]);
    }

    void draw() {
        int64_t active = windows_.size();
        for (int64_t i = 0; i < windows_[0].width(); i++) {
            while (windows_[active - 1].width() <= i) active--;
            decide(i, active);
        }
        for (size_t j = 0; j < windows_.size(); j++) lanes_.filled[order_[j]] = windows_[j].end(row(j));
    }

private:
    // Candidate i of the first `active` lanes; the last of a row is certain if nothing was chosen before.
    void decide(int64_t i, int64_t active) {
        const int64_t size = head_.layout.units_size(), inner_size = head_.layout.inner_size();
        int64_t free[BLOCK], count = 0;
        for (int64_t j = 0; j < active; j++) {
            if (windows_[j].empty() && i == windows_[j].width() - 1) {
                choose(j, i);
                continue;
            }
            int32_t codes[CODES];
            windows_[j].describe(i, lanes_.used, codes);
            const int64_t place = order_[j] * lanes_.bound + windows_[j].node(i) % lanes_.bound, width = head_.layout.units;
            head_.add_up(lanes_.now + order_[j] * width, lanes_.memory + place * width, codes, &units_[count * size]);
            free[count++] = j;
        }
        head_.second_layer(units_.get(), count, inner_.get());
        for (int64_t r = 0; r < count; r += LANES) {
            const int64_t here = std::min<int64_t>(LANES, count - r);
            const Vec logits = head_.logits(&inner_[r * inner_size], here);
            for (int64_t l = 0; l < here; l++)
                if (logits[l] > lanes_.thresholds[order_[free[r + l]] * lanes_.widest + i]) choose(free[r + l], i);
        }
    }

    void choose(int64_t j, int64_t i) {
        row(j)[windows_[j].width() - 1 - i] = 1;
        windows_[j].choose(i);
    }

    uint8_t* row(int64_t j) const { return lanes_.bits + order_[j] * lanes_.widest; }

    const ContextHead& head_;
    const Lanes& lanes_;
    const int64_t* order_;
    std::vector<Window> windows_;
    Buffer<int32_t> scratch_;
    Buffer<float> units_, inner_;
};

// Lanes that draw, widest first.
std::vector<int64_t> drawing(ConstInts widths) {
    std::vector<int64_t> order(widths.size);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return widths.data[a] > widths.data[b]; });
    while (!order.empty() && widths.data[order.back()] == 0) order.pop_back();
    return order;
}

}  // namespace

// Draws a row of every lane: bits [B, W], nearest candidate first, a bit being 1 where its logit exceeds the threshold [B, W], which
// stands in the order of the scan, oldest candidate first. The rows of U h and V h are `now` and `then` [B, F]; V h is added to
// `memory` [B, M, F], and the row to the graphs, whose arrays sequences/context.py describes: first and degree [B, N], following
// and target [B, E], filled [B].
EXPORT int gengraph_context_sample(int64_t units, int64_t inner, int64_t threads, ConstBytes used, ConstFloats parameters,
                                   ConstFloats now, ConstFloats then, ConstInts widths, ConstInts newest, ConstFloats thresholds,
                                   Floats memory, Indices first, Indices degree, Indices following, Indices target, Ints filled,
                                   Bytes bits) try {
    const int64_t most = 1 << 12, count = widths.size;
    if (units < 1 || units > most || inner < 1 || inner > most || count < 1) return BAD_SIZE;
    const ContextLayout layout(units, inner, parameters.size);
    if (!layout.fits(parameters.size) || used.size != FEATURES || now.size != count * units || then.size != now.size ||
        newest.size != count || filled.size != count || thresholds.size % count != 0 || bits.size != thresholds.size ||
        memory.size % (count * units) != 0 || first.size % count != 0 || degree.size != first.size ||
        following.size % count != 0 || target.size != following.size)
        return BAD_SIZE;
    const Lanes lanes{memory.size / (count * units), first.size / count, following.size / count, thresholds.size / count,
                      used.data, now.data, thresholds.data, widths.data, newest.data,
                      memory.data, first.data, degree.data, following.data, target.data, filled.data, bits.data};
    if (layout.entries != 3 * lanes.bound + CHOSEN_CODES + DEGREE_CODES + COMMON_CODES || lanes.bound < 1) return BAD_SIZE;
    for (int64_t b = 0; b < count; b++) {
        const int64_t width = widths.data[b], node = newest.data[b];
        if (node < 0 || width < 0 || width > std::min({lanes.bound, lanes.widest, node + 1})) return BAD_ORDER;
        if (width && (node + 1 >= lanes.nodes || filled.data[b] < 0 || filled.data[b] > lanes.half_edges - 2 * width)) return BAD_ORDER;
    }
    const ContextHead head(layout, parameters.data);
    std::fill_n(bits.data, bits.size, uint8_t{0});
    for (int64_t b = 0; b < count; b++)
        std::copy_n(then.data + b * units, units, memory.data + (b * lanes.bound + newest.data[b] % lanes.bound) * units);
    const std::vector<int64_t> order = drawing(widths);
    const int64_t rows = order.size();
    parallel(threads, (rows + BLOCK - 1) / BLOCK, [&](int64_t group) {
        Group(head, lanes, &order[group * BLOCK], std::min(BLOCK, rows - group * BLOCK)).draw();
    });
    return OK;
} catch (const std::bad_alloc&) {
    return NO_MEMORY;
}

}  // namespace gengraph
