// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <array>
#include <csignal>

// While it lives, the signals that ask a program to end wait, so that it does not leave something
// half done. Those that are ignored stay so.
class HeldSignals {
  public:
    HeldSignals();
    ~HeldSignals(); // what has come by then comes now
    HeldSignals(const HeldSignals &) = delete;
    HeldSignals &operator=(const HeldSignals &) = delete;

  private:
    static constexpr std::array numbers_{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, numbers_.size()> before_{};
};
