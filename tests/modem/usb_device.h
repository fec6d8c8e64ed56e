// SPDX-License-Identifier: GPL-2.0
// The module as a USB device: standard requests, CDC encapsulated commands and the endpoints'
// queues. URBs in, completions out; knows nothing of how they travel nor of what is in the bulk
// transfers.
//
// Single-threaded, like all that a modem's loop runs.
#pragma once

#include "bytes.h"
#include "usb_descriptors.h"

#include <array>
#include <bitset>
#include <deque>
#include <functional>
#include <optional>

namespace vmodem {

struct Urb {
    uint64_t id;      // the transport's; unique among those in flight
    uint8_t endpoint; // address with the direction bit; 0x00 and 0x80: control
    std::array<uint8_t, 8> setup{};
    uint32_t length = 0;      // of the host's buffer
    bool zero_packet = false; // OUT: closed by a zero-length packet if need be
    ByteView data;            // OUT, valid during the call
};

struct UrbResult {
    uint64_t id;
    int status;      // 0 or a negative Linux errno
    uint32_t actual; // bytes taken (OUT) or in data (IN)
    Bytes data;      // IN
};

class UsbDevice {
  public:
    struct Hooks {
        std::function<void(UrbResult)> complete;
        // An encapsulated command from the host.
        std::function<void(ByteView command)> command;
        // What came by bulk OUT, and whether a zero-length packet followed (or was all of it).
        std::function<void(ByteView data, bool zero_packet)> uplink;
        // The next bulk IN transfer; nullopt: nothing to send.
        std::function<std::optional<Bytes>()> downlink;
        // DTR of the network function.
        std::function<void(unsigned value)> line_state;
    };

    UsbDevice(UsbDescriptors descriptors, UsbSpeed speed, Hooks hooks);

    void submit(const Urb &urb);
    // True if it was pending: it will not be completed any more.
    bool cancel(uint64_t id);
    // The host will get this frame by GET_ENCAPSULATED_RESPONSE and is notified of it.
    void respond(Bytes frame);

    // Fills pending bulk IN URBs with what there is; returns how many it completed.
    unsigned pump_bulk_in();
    // Takes bulk OUT URBs that were held back and are due; returns when to be called again.
    std::optional<Clock::time_point> release_bulk_out(Clock::time_point now);

    void hold_bulk_out(bool hold) { hold_out_ = hold; }
    void set_bulk_out_rate(uint64_t bits_per_second) { out_rate_ = bits_per_second; }
    // URBs complete all together, once none has come for as long as this; 0: at once.
    void set_bulk_out_quiet(Clock::duration quiet) { out_quiet_ = quiet; }
    void fail_bulk_in(int status) { in_errors_.push_back(status); }
    void fail_bulk_out(int status) { out_errors_.push_back(status); }
    void forget_errors() {
        in_errors_.clear();
        out_errors_.clear();
    }
    // Stalls the next GET_STATUS of the device, which the host sends when it has resumed it.
    void refuse_status() { refuse_status_ = true; }

    bool configured() const { return configuration_ != 0; }
    bool remote_wakeup_enabled() const { return remote_wakeup_; }
    bool notification_due() const { return notifications_; }
    unsigned pending_bulk_in() const { return in_[number(network().bulk_in_endpoint)].size(); }
    unsigned pending_bulk_out() const { return held_out_.size(); }
    unsigned dtr() const { return dtr_; }

  private:
    struct Pending {
        uint64_t id;
        uint32_t length;
    };
    struct HeldOut {
        uint64_t id;
        Bytes data;
        bool zero_packet;
        Clock::time_point arrived;
    };
    using Answer = std::optional<Bytes>; // nullopt: stall

    static uint8_t number(uint8_t endpoint) { return endpoint & 0x0f; }
    const NetworkFunction &network() const { return descriptors_.network; }

    void control(const Urb &urb);
    Answer standard_request(const Urb &urb);
    Answer endpoint_request(uint8_t request, uint16_t value, uint16_t endpoint);
    Answer class_request(const Urb &urb);
    Answer encapsulated_response();
    void configure(uint8_t value);

    void pump_notifications();
    bool fill_from_transfer(const Pending &urb);
    void bulk_out(const Urb &urb);
    void take_out(uint64_t id, ByteView data, bool zero_packet);
    void finish(uint64_t id, int status, uint32_t actual = 0, Bytes data = {});

    UsbDescriptors descriptors_;
    UsbSpeed speed_;
    Hooks hooks_;

    uint8_t configuration_ = 0;
    std::array<uint8_t, 32> alternate_{};
    bool remote_wakeup_ = false;
    bool refuse_status_ = false;
    unsigned dtr_ = 0;
    std::array<std::deque<Pending>, 16> in_;
    std::bitset<16> in_halted_, out_halted_;

    std::deque<Bytes> responses_;
    unsigned notifications_ = 0;

    // What is left of a transfer that filled the previous URB without a short packet.
    std::optional<Bytes> in_rest_;
    std::deque<int> in_errors_, out_errors_;

    std::deque<HeldOut> held_out_;
    bool hold_out_ = false;
    Clock::duration out_quiet_{};
    uint64_t out_rate_ = 0;        // bits a second
    Clock::time_point out_free_{}; // when the last OUT URB will be through at that rate
};

} // namespace vmodem
