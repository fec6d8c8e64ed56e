// SPDX-License-Identifier: GPL-2.0
#include "soaker.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <limits>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bench {

using namespace std::chrono_literals;

static constexpr unsigned calibrations = 3;
static constexpr auto calibration = 100ms, start = 2ms;

[[noreturn]] static void fail(const char *what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// Not inlined: the profiler leaves it out by its name.
[[noreturn, gnu::noinline]] static void soak(volatile uint64_t *counter) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const sched_param none{};
    if (::sched_setscheduler(0, SCHED_IDLE, &none) < 0)
        ::_exit(1);
    for (;;)
        *counter = *counter + 1;
}

Soaker::Soaker() {
    void *shared = ::mmap(nullptr, sizeof(*counter_), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("mmap");
    counter_ = static_cast<volatile uint64_t *>(shared);
    process_ = ::fork();
    if (process_ < 0)
        fail("fork");
    if (process_ == 0)
        soak(counter_);

    // Whatever disturbs it makes a count look longer.
    ns_per_count_ = std::numeric_limits<double>::max();
    for (unsigned i = 0; i < calibrations; i++) {
        const Span span = count_during([] { std::this_thread::sleep_for(calibration); });
        ns_per_count_ = std::min(ns_per_count_, double(span.elapsed) / double(span.counts));
    }
}

Soaker::~Soaker() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

// Marks for a profiler outside (see profile/).
extern "C" [[gnu::noipa]] void bench_measure_begin() {}
extern "C" [[gnu::noipa]] void bench_measure_end() {}

Soaker::Span Soaker::count_during(const std::function<void()> &work) {
    using Clock = std::chrono::steady_clock;
    ::kill(process_, SIGCONT);
    std::this_thread::sleep_for(start);
    // Nothing but this process runs from here to the first thing that it waits for.
    const uint64_t count = *counter_;
    const auto begin = Clock::now();
    work();
    const auto end = Clock::now();
    const uint64_t counts = *counter_ - count;
    ::kill(process_, SIGSTOP);
    return {uint64_t(std::chrono::nanoseconds(end - begin).count()), counts};
}

Load Soaker::measure(const std::function<void()> &work) {
    const Span span = count_during([&] {
        bench_measure_begin();
        work();
        bench_measure_end();
    });
    const auto idle = uint64_t(double(span.counts) * ns_per_count_);
    return {span.elapsed - std::min(idle, span.elapsed), span.elapsed};
}

} // namespace bench
