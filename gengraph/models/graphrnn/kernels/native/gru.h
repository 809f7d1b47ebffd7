// A gated recurrent unit, one vector of them at a time.
#pragma once

#include "vector.h"

namespace gengraph {

// What a unit's gates are, and the state that they make; h' = n + z (h - n) with n = tanh(gate + r * recurrent).
struct Units {
    Vec reset, update, made, state;

    Units(Vec reset_sum, Vec update_sum, Vec gate_new, Vec recurrent_new, Vec before)
        : reset(sigmoid(reset_sum)),
          update(sigmoid(update_sum)),
          made(tanh(gate_new + reset * recurrent_new)),
          state(made + update * (before - made)) {}
};

}  // namespace gengraph
