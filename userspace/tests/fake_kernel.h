// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "kernel.h"

#include <fmt/format.h>

// A kernel that has what a test puts there, does what it is told, and writes down what that was.
class FakeKernel : public Kernel {
  public:
    std::vector<Module> there;
    std::map<std::string, uint64_t> counted;
    std::vector<Event> events;
    std::function<void()> tick;   // what happens while a command sleeps
    std::optional<Error> refusal; // what every change is answered with
    std::optional<Error> failed;  // what every question is answered with
    std::vector<std::string> calls;

    Result<std::vector<Module>> modules() override {
        if (failed)
            return tl::unexpected(*failed);
        return there;
    }
    Result<std::map<std::string, uint64_t>> counters(const Module &) override {
        if (failed)
            return tl::unexpected(*failed);
        return counted;
    }
    Status set_mode(const Module &module, uint32_t mode) override {
        return change(fmt::format("{}: mode {}", module.netdev, mode));
    }
    Status set_format(const Module &module, const WdaFormat &agreed) override {
        format = agreed;
        const Status done = change(fmt::format("{}: format", module.netdev));
        for (Module &known : there)
            if (done && known.q && known.usb_path == module.usb_path)
                take(known.q->format, agreed);
        return done;
    }
    Status set_link(const Module &module, uint32_t mux_id, bool up) override {
        return change(fmt::format("{}: link {:#x} {}", module.netdev, mux_id, up ? "up" : "down"));
    }
    Result<Pdn> add_mux(const Module &module, uint32_t mux_id) override {
        if (Status done = change(fmt::format("{}: add {:#x}", module.netdev, mux_id)); !done)
            return tl::unexpected(done.error());
        Pdn pdn;
        pdn.mux_id = mux_id;
        pdn.netdev = fmt::format("{}.{}", module.netdev, mux_id & 0x7f);
        return pdn;
    }
    Status delete_mux(const Module &module, uint32_t mux_id) override {
        return change(fmt::format("{}: delete {:#x}", module.netdev, mux_id));
    }
    Status monitor(const std::function<bool(const Event &)> &on_event) override {
        if (failed)
            return tl::unexpected(*failed);
        for (const Event &event : events)
            if (!on_event(event))
                break;
        return {};
    }

    Clock::time_point now() override { return time_; }
    void sleep(Clock::duration time) override {
        time_ += time;
        if (tick)
            tick();
    }

    WdaFormat format; // the last that was set

  private:
    Clock::time_point time_{};

    // As our driver does.
    static void take(DriverFormat &format, const WdaFormat &agreed) {
        format.qmap = Aggregation(agreed.dl_aggregation.value_or(uint32_t(format.qmap)));
        format.rx_urb_size = std::max(format.rx_urb_size, agreed.dl_max_size.value_or(0));
        format.ul_max_datagrams = agreed.ul_max_datagrams.value_or(format.ul_max_datagrams);
        format.ul_max_size = agreed.ul_max_size.value_or(format.ul_max_size);
        format.dl_padding = agreed.dl_minimum_padding.value_or(format.dl_padding);
        format.agreed = true;
    }
    Status change(std::string call) {
        calls.push_back(std::move(call));
        if (refusal)
            return tl::unexpected(*refusal);
        return {};
    }
};
