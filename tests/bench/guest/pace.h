// SPDX-License-Identifier: GPL-2.0
// Keeps a sender from running ahead of the module: now and then it is asked for an echo, which it
// gives once it has taken what was sent before (a path keeps its packets in order).
#pragma once

#include "link.h"
#include "sockets.h"

namespace bench {

class Pace {
  public:
    // Does nothing where there is no module that answers.
    explicit Pace(const Path &path);

    // Waits if too many packets are ahead of the last echo.
    void sent(uint64_t packets);
    // Waits until the module has taken all.
    void finish();

  private:
    void ask();
    void wait_for_one();

    bool answers_;
    FileDescriptor socket_;
    uint64_t since_ = 0; // packets, since the last question
    uint64_t asked_ = 0, answered_ = 0;
};

} // namespace bench
