// SPDX-License-Identifier: GPL-2.0
#include "usb_device.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace vmodem {

namespace {

constexpr uint8_t in_direction = 0x80;
constexpr uint16_t feature_endpoint_halt = 0, feature_remote_wakeup = 1;

// bmRequestType and bRequest in one number.
enum Request : uint16_t {
    get_status_device = 0x8000,
    get_status_interface = 0x8100,
    get_status_endpoint = 0x8200,
    clear_feature_device = 0x0001,
    clear_feature_interface = 0x0101,
    clear_feature_endpoint = 0x0201,
    set_feature_device = 0x0003,
    set_feature_interface = 0x0103,
    set_feature_endpoint = 0x0203,
    set_address = 0x0005,
    get_descriptor = 0x8006,
    get_configuration = 0x8008,
    set_configuration = 0x0009,
    get_interface = 0x810a,
    set_interface = 0x010b,
    set_sel = 0x0030,
    set_isochronous_delay = 0x0031,
    cdc_send_command = 0x2100,
    cdc_get_response = 0xa101,
    cdc_set_control_line_state = 0x2122,
};

uint16_t u16(const std::array<uint8_t, 8> &setup, size_t offset) {
    return setup[offset] | setup[offset + 1] << 8;
}

uint16_t request_of(const Urb &urb) {
    return urb.setup[0] << 8 | urb.setup[1];
}

} // namespace

UsbDevice::UsbDevice(UsbDescriptors descriptors, UsbSpeed speed, Hooks hooks)
    : descriptors_(std::move(descriptors)), speed_(speed), hooks_(std::move(hooks)) {}

void UsbDevice::finish(uint64_t id, int status, uint32_t actual, Bytes data) {
    hooks_.complete({id, status, actual, std::move(data)});
}

void UsbDevice::submit(const Urb &urb) {
    uint8_t n = number(urb.endpoint);
    bool in = urb.endpoint & in_direction;
    if (n == 0)
        return control(urb);
    if (!configured())
        return finish(urb.id, -EPIPE);
    if (!in && urb.endpoint == network().bulk_out_endpoint)
        return bulk_out(urb);
    if (!in) // a serial port nobody listens to
        return finish(urb.id, out_halted_[n] ? -EPIPE : 0, out_halted_[n] ? 0 : urb.data.size());
    in_[n].push_back({urb.id, urb.length});
    if (urb.endpoint == network().notify_endpoint)
        pump_notifications();
}

bool UsbDevice::cancel(uint64_t id) {
    auto drop = [id](auto &queue) {
        auto found = std::ranges::find(queue, id, [](const auto &urb) { return urb.id; });
        if (found == queue.end())
            return false;
        queue.erase(found);
        return true;
    };
    return drop(held_out_) || std::ranges::any_of(in_, drop);
}

void UsbDevice::respond(Bytes frame) {
    responses_.push_back(std::move(frame));
    notifications_++;
    pump_notifications();
}

void UsbDevice::pump_notifications() {
    auto &urbs = in_[number(network().notify_endpoint)];
    while (notifications_ && !urbs.empty()) {
        notifications_--; // before finish(), which may bring the next URB
        Pending urb = urbs.front();
        urbs.pop_front();
        Bytes response_available{0xa1, 0x01, 0, 0, network().control_interface, 0, 0, 0};
        response_available.resize(std::min<size_t>(response_available.size(), urb.length));
        uint32_t size = response_available.size();
        finish(urb.id, 0, size, std::move(response_available));
    }
}

unsigned UsbDevice::pump_bulk_in() {
    uint8_t n = number(network().bulk_in_endpoint);
    auto &urbs = in_[n];
    unsigned completed = 0;
    for (; !urbs.empty(); completed++) {
        Pending urb = urbs.front();
        if (in_halted_[n]) {
            urbs.pop_front();
            finish(urb.id, -EPIPE);
        } else if (!in_errors_.empty()) {
            int status = in_errors_.front();
            in_errors_.pop_front();
            in_halted_[n] = status == -EPIPE;
            urbs.pop_front();
            finish(urb.id, status);
        } else if (!fill_from_transfer(urb)) {
            break;
        }
    }
    return completed;
}

// A transfer ends with a short packet, be it one of zero bytes. So a buffer of whole packets that
// a transfer fills leaves the rest, or that empty packet, to the next URB; a buffer that ends
// within a packet is overrun.
bool UsbDevice::fill_from_transfer(const Pending &urb) {
    if (!in_rest_)
        in_rest_ = hooks_.downlink();
    if (!in_rest_)
        return false;
    Bytes data = std::move(*in_rest_);
    in_rest_.reset();
    bool whole_packets = urb.length % bulk_packet_size(speed_) == 0;
    int status = 0;
    if (data.size() >= urb.length && whole_packets && urb.length) {
        in_rest_.emplace(data.begin() + urb.length, data.end());
        data.resize(urb.length);
    } else if (data.size() > urb.length) {
        status = -EOVERFLOW;
        data.resize(urb.length);
    }
    uint64_t id = urb.id;
    in_[number(network().bulk_in_endpoint)].pop_front();
    uint32_t size = data.size();
    finish(id, status, size, std::move(data));
    return true;
}

void UsbDevice::bulk_out(const Urb &urb) {
    uint8_t n = number(urb.endpoint);
    if (!out_halted_[n] && out_errors_.empty() && !hold_out_ && !out_rate_ &&
        out_quiet_ == Clock::duration(0) && held_out_.empty())
        return take_out(urb.id, urb.data, urb.zero_packet);
    held_out_.push_back(
        {urb.id, Bytes(urb.data.begin(), urb.data.end()), urb.zero_packet, Clock::now()});
}

std::optional<Clock::time_point> UsbDevice::release_bulk_out(Clock::time_point now) {
    uint8_t n = number(network().bulk_out_endpoint);
    while (!held_out_.empty()) {
        HeldOut &head = held_out_.front();
        bool failing = out_halted_[n] || !out_errors_.empty();
        if (!failing && hold_out_)
            return std::nullopt;
        const auto all_come = held_out_.back().arrived + out_quiet_;
        if (!failing && all_come > now)
            return all_come;
        if (!failing && out_rate_) {
            std::chrono::nanoseconds airtime(head.data.size() * 8 * 1'000'000'000 / out_rate_);
            auto due = std::max(out_free_, head.arrived) + airtime;
            if (due > now)
                return due;
            out_free_ = due;
        }
        HeldOut urb = std::move(head);
        held_out_.pop_front();
        if (out_halted_[n]) {
            finish(urb.id, -EPIPE);
        } else if (!out_errors_.empty()) {
            int status = out_errors_.front();
            out_errors_.pop_front();
            out_halted_[n] = status == -EPIPE;
            finish(urb.id, status);
        } else {
            take_out(urb.id, urb.data, urb.zero_packet);
        }
    }
    return std::nullopt;
}

void UsbDevice::take_out(uint64_t id, ByteView data, bool zero_packet) {
    bool whole_packets = data.size() % bulk_packet_size(speed_) == 0;
    hooks_.uplink(data, zero_packet && whole_packets);
    finish(id, 0, data.size());
}

void UsbDevice::control(const Urb &urb) {
    bool in = urb.setup[0] & in_direction;
    bool standard = (urb.setup[0] & 0x60) == 0;
    if (!in && urb.data.size() < u16(urb.setup, 6))
        return finish(urb.id, -EPIPE);
    Answer answer = standard ? standard_request(urb) : class_request(urb);
    if (!answer)
        return finish(urb.id, -EPIPE);
    if (!in)
        return finish(urb.id, 0, urb.data.size());
    answer->resize(std::min<size_t>({answer->size(), u16(urb.setup, 6), urb.length}));
    uint32_t size = answer->size();
    finish(urb.id, 0, size, std::move(*answer));
}

void UsbDevice::configure(uint8_t value) {
    configuration_ = value;
    alternate_ = {};
    in_halted_.reset();
    out_halted_.reset();
    in_rest_.reset();
    if (dtr_)
        hooks_.line_state(dtr_ = 0);
}

UsbDevice::Answer UsbDevice::standard_request(const Urb &urb) {
    uint16_t value = u16(urb.setup, 2), index = u16(urb.setup, 4);
    uint8_t interface = index & 0x1f; // the upper byte is a function's suspend options
    switch (request_of(urb)) {
    case get_descriptor:
        return descriptors_.find(value >> 8, value & 0xff);
    case set_configuration:
        if (value > 1)
            return std::nullopt;
        configure(value);
        return Bytes{};
    case get_configuration:
        return Bytes{configuration_};
    case set_interface:
        if (value > 1)
            return std::nullopt;
        alternate_[interface] = value;
        return Bytes{};
    case get_interface:
        return Bytes{alternate_[interface]};
    case get_status_device:
        if (std::exchange(refuse_status_, false))
            return std::nullopt;
        return Bytes{uint8_t(remote_wakeup_ << 1), 0};
    case get_status_interface:
        return Bytes{uint8_t(speed_ == UsbSpeed::super), 0}; // can wake the host
    case set_feature_device:
    case clear_feature_device:
        // The others are link power management, which has no meaning here.
        if (value == feature_remote_wakeup)
            remote_wakeup_ = request_of(urb) == set_feature_device;
        return Bytes{};
    case set_feature_interface: // function suspend; bit 9: may wake
        remote_wakeup_ = index & 0x0200;
        return Bytes{};
    case clear_feature_interface:
        remote_wakeup_ = false;
        return Bytes{};
    case get_status_endpoint:
    case set_feature_endpoint:
    case clear_feature_endpoint:
        return endpoint_request(urb.setup[1], value, index);
    case set_address:
    case set_sel:
    case set_isochronous_delay:
        return Bytes{};
    default:
        return std::nullopt;
    }
}

UsbDevice::Answer UsbDevice::endpoint_request(uint8_t request, uint16_t value, uint16_t endpoint) {
    auto &halted = endpoint & in_direction ? in_halted_ : out_halted_;
    uint8_t n = number(endpoint);
    if (request == 0)
        return Bytes{uint8_t(halted[n]), 0};
    if (value != feature_endpoint_halt)
        return std::nullopt;
    halted[n] = n != 0 && request == 3;
    // A new start of the data toggle also drops the transfer that was half sent.
    if (endpoint == network().bulk_in_endpoint)
        in_rest_.reset();
    return Bytes{};
}

UsbDevice::Answer UsbDevice::class_request(const Urb &urb) {
    uint8_t interface = urb.setup[4];
    bool qmi =
        network().composition == Composition::qmi && interface == network().control_interface;
    switch (request_of(urb)) {
    case cdc_set_control_line_state:
        if (qmi)
            hooks_.line_state(dtr_ = u16(urb.setup, 2) & 1);
        return Bytes{};
    case cdc_send_command:
        if (!qmi)
            return std::nullopt;
        hooks_.command(urb.data);
        return Bytes{};
    case cdc_get_response:
        return qmi ? encapsulated_response() : std::nullopt;
    default:
        return std::nullopt;
    }
}

UsbDevice::Answer UsbDevice::encapsulated_response() {
    if (responses_.empty())
        return Bytes{};
    Bytes response = std::move(responses_.front());
    responses_.pop_front();
    return response;
}

} // namespace vmodem
