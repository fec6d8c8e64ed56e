// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "module.h"
#include "result.h"
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

// One change that the driver told of.
struct Event {
    enum class Kind {
        device_added,
        device_removed,
        device_changed,
        mux_added,
        mux_removed,
        link,
        lost, // there were more than could be taken in: nothing is known of them
    };
    Kind kind;
    // For mux and link events: usb_path, netdev and ifindex, with the PDN in `pdns`.
    Module module{};
};

// The kernel as qmapctl sees it. Commands are written against this; tests pass a fake.
class Kernel {
  public:
    virtual ~Kernel() = default;

    // Every module on the machine, in order of USB path, whichever driver has it, or none, and
    // whichever network card it is.
    virtual Result<std::vector<Module>> modules() = 0;
    // Named counters of a master netdev (ethtool -S).
    virtual Result<std::map<std::string, uint64_t>> counters(const Module &module) = 0;

    virtual Status set_mode(const Module &module, uint32_t mode) = 0;
    // What a field leaves out stays as it is.
    virtual Status set_format(const Module &module, const WdaFormat &agreed) = 0;
    virtual Status set_link(const Module &module, uint32_t mux_id, bool up) = 0;
    virtual Result<Pdn> add_mux(const Module &module, uint32_t mux_id) = 0;
    virtual Status delete_mux(const Module &module, uint32_t mux_id) = 0;

    // Calls `on_event` for each event until it returns false or a signal ends the program. Fails
    // if the driver is not loaded, and when it is unloaded.
    virtual Status monitor(const std::function<bool(const Event &)> &on_event) = 0;

    using Clock = std::chrono::steady_clock;
    virtual Clock::time_point now() = 0;
    virtual void sleep(Clock::duration time) = 0;
};
