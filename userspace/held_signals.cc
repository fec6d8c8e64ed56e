// SPDX-License-Identifier: GPL-2.0
#include "held_signals.h"

namespace {

volatile std::sig_atomic_t came; // the last one; 0: none

void hold(int number) {
    came = number;
}

} // namespace

// Handlers and not a mask: GLib has threads, and the kernel takes any that does not block them.
HeldSignals::HeldSignals() {
    came = 0;
    struct sigaction holding {};
    holding.sa_handler = hold;
    holding.sa_flags = SA_RESTART;
    for (size_t i = 0; i < numbers_.size(); i++) {
        sigaction(numbers_[i], nullptr, &before_[i]);
        if (before_[i].sa_handler != SIG_IGN)
            sigaction(numbers_[i], &holding, nullptr);
    }
}

HeldSignals::~HeldSignals() {
    for (size_t i = 0; i < numbers_.size(); i++)
        sigaction(numbers_[i], &before_[i], nullptr);
    if (came)
        raise(came);
}
