// SPDX-License-Identifier: GPL-2.0
// The module's side of the measurement: has it got what the VM says it has sent?
#pragma once

#include "../../modem/modem.h"
#include "figures.h"

#include <atomic>

namespace bench {

class Witness {
  public:
    // Of the module that will be made with these options; must live as long as that.
    explicit Witness(vmodem::ModemOptions &options);
    Witness(const Witness &) = delete;
    Witness &operator=(const Witness &) = delete;

    // Throws std::runtime_error if the module has not got what the sample says, since the last one.
    // False if there is a reason not to count the sample.
    bool confirm(const vmodem::Modem &modem, const Sample &sample);
    // After the last one: throws std::runtime_error if the module has got more than all of them
    // say.
    void confirm_end(const vmodem::Modem &modem) const;

  private:
    struct Taken {
        uint64_t sunk = 0;
        uint64_t bad = 0; // anything that must not be
        uint64_t repeated = 0;
    };
    Taken taken_by(const vmodem::Modem &modem) const;

    std::atomic<uint64_t> unanswered_ = 0; // TCP segments into the black hole
    Taken before_;
};

} // namespace bench
