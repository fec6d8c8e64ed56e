// SPDX-License-Identifier: GPL-2.0
#include "modem.h"
#include "data_link.h"
#include "event_loop.h"
#include "pdn.h"
#include "usb_device.h"
#include "usb_power.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

namespace vmodem {

using namespace std::chrono_literals;

namespace {

constexpr auto unplug_timeout = 60s;
constexpr auto reset_delay = 200ms; // how long a module that resets is off the bus
constexpr auto poll_interval = 5ms; // of what sysfs has no events for

std::string describe(const DataFormat &f) {
    auto direction = [](Qmap qmap, uint32_t datagrams, uint32_t size) {
        if (qmap == Qmap::off)
            return std::string("unaggregated");
        return std::string(qmap == Qmap::v5 ? "QMAP v5" : "QMAP v1") + ' ' +
               std::to_string(datagrams) + " x " + std::to_string(size);
    };
    return std::string(f.link_protocol == LinkProtocol::raw_ip ? "raw IP" : "802.3") + ", DL " +
           direction(f.dl, f.dl_max_datagrams, f.dl_max_size) + ", UL " +
           direction(f.ul, f.ul_max_datagrams, f.ul_max_size);
}

std::string hex(uint8_t byte) {
    constexpr char digits[] = "0123456789abcdef";
    return {'0', 'x', digits[byte >> 4], digits[byte & 0xf]};
}

} // namespace

struct Modem::State {
    // What a module loses with its power.
    struct Powered {
        Powered(State &owner);

        DataLink link;
        UsbDevice device;
        QmiServer qmi;
        std::map<uint8_t, Pdn> pdns; // by canonical mux id
    };

    State(const Profile &profile, ModemOptions options);

    UsbDescriptors descriptors() const;
    void power_up();
    std::optional<Clock::time_point> settle();
    bool plugged_in() const { return plug.connection != nullptr; }
    void plug_in();
    std::shared_ptr<const UsbPort> pull_out();
    std::optional<std::string> usb_name() const;
    std::optional<UsbPower> power() const;
    void wake_host();
    void reset_module();
    void replug_when_vacated(std::shared_ptr<const UsbPort> pulled);
    void call_changed(uint8_t mux_id, IpFamily family, bool up);
    void after(std::chrono::milliseconds delay, std::function<void()> task);
    void log(const std::string &line) const {
        if (options.log)
            options.log(line);
    }
    DataLink &link() { return powered->link; }
    UsbDevice &device() { return powered->device; }

    Profile profile;
    ModemOptions options;
    Composition composition;
    QmiServer::Faults faults;
    std::optional<Powered> powered;
    uint64_t power_cycle = 0; // tells timers of an earlier life
    bool used = false;        // has been plugged in since it was powered up
    bool woken = false;       // signalled a wake-up since the host enabled it
    std::future<void> waker;
    UsbAttachment plug; // empty while not plugged in
    EventLoop loop;     // last: its thread uses all of the above
};

Modem::State::Powered::Powered(State &owner)
    : link({.usb_packet_size = bulk_packet_size(owner.options.speed),
            .broken_ethernet_header = owner.options.broken_ethernet_header},
           {.packet =
                [this, &owner](uint8_t mux_id, ByteView packet) {
                    if (owner.options.uplink_packet)
                        owner.options.uplink_packet(mux_id, packet, link.statistics().transfers);
                    auto pdn = pdns.find(mux_id);
                    if (pdn != pdns.end())
                        pdn->second.receive(packet, Clock::now());
                }}),
      device(owner.descriptors(), owner.options.speed,
             {.complete =
                  [&owner](UrbResult result) {
                      if (owner.plugged_in())
                          owner.plug.connection->complete(std::move(result));
                  },
              .command = [this](ByteView command) { qmi.receive(command); },
              .uplink = [this](ByteView data, bool zero) { link.receive(data, zero); },
              .downlink = [this] { return link.next_transfer(); },
              .line_state = [&owner](unsigned dtr) { owner.log("DTR " + std::to_string(dtr)); }}),
      qmi(owner.profile,
          {.send = [this](Bytes frame) { device.respond(std::move(frame)); },
           .format_changed =
               [this, &owner](const DataFormat &format) {
                   link.set_format(format);
                   owner.log("data format: " + describe(format));
               },
           .call_changed = [&owner](uint8_t mux_id, IpFamily family,
                                    bool up) { owner.call_changed(mux_id, family, up); },
           .reset = [&owner] { owner.after(0ms, [&owner] { owner.reset_module(); }); },
           .after =
               [&owner](std::chrono::milliseconds delay, std::function<void()> task) {
                   owner.after(delay, std::move(task));
               }}) {
    link.set_format(qmi.format());
    qmi.set_faults(owner.faults);
}

Modem::State::State(const Profile &profile, ModemOptions options)
    : profile(profile), options(std::move(options)), loop([this] { return settle(); }) {
    auto known = composition_of(this->options.usbnet);
    if (!known)
        throw std::runtime_error("no network-card type " + std::to_string(this->options.usbnet));
    composition = *known;
    loop.call([this] { power_up(); });
}

UsbDescriptors Modem::State::descriptors() const {
    auto d = make_descriptors(profile, options.speed, composition);
    if (options.mangle_descriptor)
        options.mangle_descriptor(d.configuration);
    return d;
}

void Modem::State::power_up() {
    power_cycle++;
    used = woken = false;
    powered.reset(); // its parts refer to one another: never two of them
    powered.emplace(*this);
}

void Modem::State::after(std::chrono::milliseconds delay, std::function<void()> task) {
    loop.after(delay, [this, cycle = power_cycle, task = std::move(task)] {
        if (cycle == power_cycle)
            task();
    });
}

// After each batch of events: peers first, so that all they have to say shares transfers.
std::optional<Clock::time_point> Modem::State::settle() {
    if (!plugged_in())
        return std::nullopt;
    std::optional<Clock::time_point> next;
    auto wants = [&next](std::optional<Clock::time_point> at) {
        if (at)
            next = next ? std::min(*next, *at) : *at;
    };
    do { // each transfer that leaves makes room for more
        auto now = Clock::now();
        next.reset();
        wants(device().release_bulk_out(now));
        for (auto &[mux_id, pdn] : powered->pdns)
            wants(pdn.advance(now));
    } while (device().pump_bulk_in());
    if (!plug.connection->flush())
        after(0ms, [this] { pull_out(); });
    wake_host();
    return next;
}

void Modem::State::plug_in() {
    if (plugged_in())
        return;
    if (used)
        power_up();
    plug = options.attach(device(), options.speed);
    used = true;
    auto lost = [this] {
        log("the host has cut the connection");
        pull_out();
    };
    loop.watch(EventLoop::Watch{plug.connection->fd(), [this] { return plug.connection->unsent(); },
                                [this, lost] {
                                    if (!plug.connection->receive())
                                        after(0ms, lost);
                                },
                                [] {}}); // settle() sends
    log("plugged in at " + plug.port->name());
}

// Returns what was pulled out of; nullptr if it was not plugged in.
std::shared_ptr<const UsbPort> Modem::State::pull_out() {
    if (!plugged_in())
        return nullptr;
    loop.watch(std::nullopt);
    plug.connection.reset();
    log("unplugged");
    return std::exchange(plug.port, nullptr);
}

std::optional<std::string> Modem::State::usb_name() const {
    if (!plugged_in() || !powered->device.configured())
        return std::nullopt;
    std::string name = plug.port->device();
    return name.empty() ? std::nullopt : std::optional(name);
}

std::optional<UsbPower> Modem::State::power() const {
    auto name = usb_name();
    return name ? std::optional<UsbPower>(*name) : std::nullopt;
}

// The host enables wake-up just before it suspends the device, and disables it once that is over.
void Modem::State::wake_host() {
    if (!device().remote_wakeup_enabled())
        woken = false;
    if (!device().remote_wakeup_enabled() || woken ||
        (link().idle() && !device().notification_due()))
        return;
    // The previous one may still wait for the host, which may wait for this thread's answers.
    if (waker.valid() && waker.wait_for(0s) != std::future_status::ready)
        return after(poll_interval, [] {});
    if (auto host = power()) {
        woken = true;
        waker = std::async(std::launch::async, [host = *host] { host.wake(); });
    }
}

// Off the bus, everything lost, back again: what a module does on DMS 'reset'.
void Modem::State::reset_module() {
    log("reset");
    auto pulled = pull_out();
    power_up();
    if (pulled)
        replug_when_vacated(pulled);
}

void Modem::State::replug_when_vacated(std::shared_ptr<const UsbPort> pulled) {
    if (!pulled->vacated())
        return after(poll_interval, [this, pulled] { replug_when_vacated(pulled); });
    after(reset_delay, [this] { plug_in(); });
}

void Modem::State::call_changed(uint8_t mux_id, IpFamily family, bool up) {
    uint8_t key = DataLink::canonical(mux_id);
    auto pdn = powered->pdns.find(key);
    if (pdn == powered->pdns.end()) {
        if (!up)
            return;
        Pdn::Hooks hooks{[this, key](Bytes packet) {
                             if (options.downlink_packet)
                                 packet = options.downlink_packet(std::move(packet));
                             link().queue_packet(key, std::move(packet));
                         },
                         [this] { return link().room(); }};
        pdn = powered->pdns.try_emplace(key, addressing_of(mux_id & 0x7f), hooks).first;
    }
    log("mux " + hex(key) + ": IPv" + std::to_string(unsigned(family)) + (up ? " up" : " down"));
    if (up) {
        link().open(key);
        pdn->second.call_up(family);
    } else {
        pdn->second.call_down(family);
        if (!pdn->second.up())
            link().close(key);
    }
}

Modem::Modem(const Profile &profile, ModemOptions options)
    : state_(std::make_unique<State>(profile, std::move(options))) {}

Modem::~Modem() {
    try {
        unplug();
    } catch (const std::exception &) {
        // The port stays in the host's hands; there is nobody to tell.
    }
}

void Modem::plug_in() {
    state_->loop.call([this] { state_->plug_in(); });
}

void Modem::unplug() {
    auto pulled = state_->loop.call([this] { return state_->pull_out(); });
    auto deadline = Clock::now() + unplug_timeout;
    while (pulled && !pulled->vacated()) {
        if (Clock::now() > deadline)
            throw std::runtime_error("the host does not let go of the unplugged device");
        std::this_thread::sleep_for(poll_interval);
    }
}

bool Modem::plugged_in() const {
    return state_->loop.call([this] { return state_->plugged_in(); });
}

void Modem::reenumerate(std::chrono::milliseconds delay) {
    unplug();
    std::this_thread::sleep_for(delay);
    plug_in();
}

std::string Modem::usb_name() const {
    return state_->loop.call([this] { return state_->usb_name().value_or(""); });
}

const Profile &Modem::profile() const {
    return state_->profile;
}

DataFormat Modem::format() const {
    return state_->loop.call([this] { return state_->link().format(); });
}

UplinkStatistics Modem::uplink() const {
    return state_->loop.call([this] { return state_->link().statistics(); });
}

std::vector<MuxCommand> Modem::take_commands() {
    return state_->loop.call([this] { return state_->link().take_commands(); });
}

unsigned Modem::dtr() const {
    return state_->loop.call([this] { return state_->device().dtr(); });
}

IpPeer::Statistics Modem::peer(uint8_t mux_id) const {
    return state_->loop.call([&] {
        auto &pdns = state_->powered->pdns;
        auto pdn = pdns.find(DataLink::canonical(mux_id));
        return pdn == pdns.end() ? IpPeer::Statistics{} : pdn->second.statistics();
    });
}

void Modem::open_mux(uint8_t mux_id) {
    state_->loop.call([&] {
        state_->call_changed(mux_id, IpFamily::v4, true);
        state_->call_changed(mux_id, IpFamily::v6, true);
    });
}

void Modem::set_format(const DataFormat &format) {
    state_->loop.call([&] { state_->link().set_format(format); });
}

void Modem::set_qmi_faults(QmiServer::Faults faults) {
    state_->loop.call([&] {
        state_->faults = faults;
        state_->powered->qmi.set_faults(std::move(faults));
    });
}

void Modem::drop_call(uint8_t mux_id) {
    state_->loop.call([&] { state_->powered->qmi.drop_call(mux_id); });
}

void Modem::send_packet(uint8_t mux_id, ByteView packet) {
    state_->loop.call(
        [&] { state_->link().queue_alone(mux_id, Bytes(packet.begin(), packet.end())); });
}

void Modem::inject_transfer(Bytes transfer) {
    state_->loop.call([&] { state_->link().queue_transfer(std::move(transfer)); });
}

void Modem::inject_bulk_in_error(int status) {
    state_->loop.call([&] { state_->device().fail_bulk_in(status); });
}

void Modem::inject_bulk_out_error(int status) {
    state_->loop.call([&] { state_->device().fail_bulk_out(status); });
}

void Modem::forget_errors() {
    state_->loop.call([&] { state_->device().forget_errors(); });
}

uint32_t Modem::send_command(uint8_t mux_id, uint8_t name) {
    return state_->loop.call([&] { return state_->link().queue_command(mux_id, name); });
}

void Modem::hold_uplink(bool hold) {
    state_->loop.call([&] { state_->device().hold_bulk_out(hold); });
}

void Modem::set_uplink_rate(uint64_t bits_per_second) {
    state_->loop.call([&] { state_->device().set_bulk_out_rate(bits_per_second); });
}

void Modem::set_uplink_quiet(std::chrono::milliseconds quiet) {
    state_->loop.call([&] { state_->device().set_bulk_out_quiet(quiet); });
}

unsigned Modem::pending_bulk_in() const {
    return state_->loop.call([this] { return state_->device().pending_bulk_in(); });
}

unsigned Modem::pending_bulk_out() const {
    return state_->loop.call([this] { return state_->device().pending_bulk_out(); });
}

bool Modem::drain_downlink(std::chrono::milliseconds timeout) const {
    auto deadline = Clock::now() + timeout;
    while (!state_->loop.call([this] { return state_->link().idle(); })) {
        if (Clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

bool Modem::suspended() const {
    return state_->loop.call([this] {
        auto power = state_->power();
        return power && power->suspended();
    });
}

void Modem::lose_state_in_sleep() {
    state_->loop.call([this] { state_->device().refuse_status(); });
}

} // namespace vmodem
