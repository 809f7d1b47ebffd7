// Drawing rows of GraphRNN-S: a component of a mixture, then every bit by itself.
//
// Legend: R rows, K components, M candidates, W thresholds of a row.
#include <algorithm>
#include <cmath>

#include "arrays.h"

namespace gengraph {
namespace {

// The first component whose share, with those before it, exceeds the uniform number; the logits of the shares are given.
int64_t component(const float* logits, int64_t count, float uniform) {
    if (count == 1) return 0;
    const double most = *std::max_element(logits, logits + count);
    double total = 0, below = 0;
    for (int64_t c = 0; c < count; c++) total += std::exp(logits[c] - most);
    for (int64_t c = 0; c + 1 < count; c++)
        if ((below += std::exp(logits[c] - most)) > uniform * total) return c;
    return count - 1;
}

}  // namespace

// Bits [R, W] of rows, in the order of their candidates: a bit is 1 where its logit exceeds the threshold [R, W], which stands in
// the order of the scan. Row r has widths[r] candidates, what lies beyond is 0. The outputs [R, K M] of the network are the logits
// of each component's bits, followed, if K > 1, by K logits of their shares; a uniform number [R] chooses. With never_empty the
// last bit of a scan is 1 if no other is; with reversed the scan ends at the first candidate.
EXPORT int gengraph_independent_sample(int64_t components, int64_t candidates, ConstInts widths, ConstFloats outputs,
                                       ConstFloats thresholds, ConstFloats uniforms, int64_t never_empty, int64_t reversed,
                                       Bytes bits) {
    const int64_t most = 1 << 20, rows = widths.size;
    if (components < 1 || components > most || candidates < 1 || candidates > most || rows < 1) return BAD_SIZE;
    const int64_t size = components * candidates + (components > 1 ? components : 0);
    if (outputs.size % size != 0 || outputs.size / size != rows || thresholds.size % rows != 0 || uniforms.size != rows ||
        bits.size != thresholds.size)
        return BAD_SIZE;
    const int64_t widest = thresholds.size / rows;
    for (int64_t r = 0; r < rows; r++)
        if (widths.data[r] < 0 || widths.data[r] > std::min(widest, candidates)) return BAD_ORDER;
    std::fill_n(bits.data, bits.size, uint8_t{0});
    for (int64_t r = 0; r < rows; r++) {
        const float* own = outputs.data + r * size;
        const float* logits = own + component(own + components * candidates, components, uniforms.data[r]) * candidates;
        const int64_t width = widths.data[r];
        bool any = false;
        for (int64_t t = 0; t < width; t++) {
            const int64_t candidate = reversed ? width - 1 - t : t;
            const bool bit = logits[candidate] > thresholds.data[r * widest + t] || (never_empty && !any && t == width - 1);
            any = any || bit;
            bits.data[r * widest + candidate] = bit;
        }
    }
    return OK;
}

}  // namespace gengraph
