// SPDX-License-Identifier: GPL-2.0
// How long the CPU was busy with some work, told by what it left over: a process of SCHED_IDLE
// that counts whenever nothing else wants to run. The machine must have one CPU. Where its clock
// counts instructions (QEMU's -icount shift=0), a nanosecond is an instruction.
#pragma once

#include <cstdint>
#include <functional>
#include <sys/types.h>

namespace bench {

struct Load {
    uint64_t busy;    // ns
    uint64_t elapsed; // ns
};

class Soaker {
  public:
    // Starts the process and finds out how long it takes for a count.
    Soaker();
    ~Soaker();
    Soaker(const Soaker &) = delete;
    Soaker &operator=(const Soaker &) = delete;

    Load measure(const std::function<void()> &work);

  private:
    struct Span {
        uint64_t elapsed; // ns
        uint64_t counts;
    };
    Span count_during(const std::function<void()> &work);

    volatile uint64_t *counter_; // shared with the process
    pid_t process_;
    double ns_per_count_;
};

} // namespace bench
