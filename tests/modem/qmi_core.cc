// SPDX-License-Identifier: GPL-2.0
#include "qmi_core.h"

#include <algorithm>

namespace vmodem {

namespace {

constexpr size_t max_clients = 32;
constexpr uint32_t endpoint_hsusb = 2;
constexpr uint16_t wds_packet_service_status = 0x22;

// A module without an unaggregated mode is in QMAP before anybody has asked for it.
DataFormat format_after_power_up(const Profile &profile) {
    DataFormat format;
    if (profile.qmap == Qmap::off)
        format.link_protocol = LinkProtocol::ethernet_802_3;
    if (profile.qmap_only) {
        format.ul = format.dl = profile.qmap;
        format.dl_max_datagrams = profile.limits.dl_max_datagrams;
        format.dl_max_size = profile.limits.dl_max_size;
        format.ul_max_datagrams = profile.limits.ul_max_datagrams;
        format.ul_max_size = profile.limits.ul_max_size;
    }
    return format;
}

uint32_t read_u32(ByteView bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t{bytes[3]} << 24;
}

} // namespace

void CallEnd::put(QmiMessage &message) const {
    Bytes verbose;
    append_u16(verbose, verbose_type);
    append_u16(verbose, verbose_reason);
    message.put_u16(0x10, reason);
    message.put(0x11, verbose);
}

QmiCore::QmiCore(const Profile &profile, QmiServer::Hooks hooks)
    : profile(profile), hooks(std::move(hooks)) {
    lose_all_state();
}

void QmiCore::lose_all_state() {
    powered_ = std::make_shared<bool>(true);
    clients_.clear();
    calls_.clear();
    last_client_id_.fill(0);
    // Modules keep a few WDS clients for themselves, so that the host's first one is not 1.
    last_client_id_[static_cast<uint8_t>(Service::wds)] = 16;
    last_handle_ = 0x86e50000;
    operating_mode = 0;
    format = format_after_power_up(profile);
}

QmiClientRecord *QmiCore::find_client(Service service, uint8_t id) {
    for (auto &client : clients_) {
        if (client.service == service && client.id == id)
            return &client;
    }
    return nullptr;
}

std::optional<uint8_t> QmiCore::allocate_client(Service service) {
    if (clients_.size() >= max_clients)
        return std::nullopt;
    // Round-robin, so that a stale id does not soon belong to somebody else.
    uint8_t &id = last_client_id_[static_cast<uint8_t>(service)];
    do {
        id = id < 254 ? id + 1 : 1;
    } while (find_client(service, id));
    clients_.push_back({.service = service, .id = id, .family = {}});
    return id;
}

bool QmiCore::release_client(Service service, uint8_t id) {
    if (std::erase_if(clients_,
                      [&](const auto &c) { return c.service == service && c.id == id; }) == 0)
        return false;
    if (service == Service::wds)
        end_calls([id](const Call &call) { return call.owner == id; }, ended_by_client);
    return true;
}

void QmiCore::release_all_clients() {
    clients_.clear();
    end_calls([](const Call &) { return true; }, ended_by_client);
}

const Call *QmiCore::start_call(const QmiClientRecord &client, IpFamily family) {
    if (find_call(client.mux_id, family))
        return nullptr;
    last_handle_ += 0x10;
    calls_.push_back({last_handle_, client.id, client.mux_id, family});
    hooks.call_changed(client.mux_id, family, true);
    return &calls_.back();
}

const Call *QmiCore::find_call(uint8_t mux_id, IpFamily family) const {
    const auto call = std::find_if(calls_.begin(), calls_.end(), [&](const Call &c) {
        return link_of(c.mux_id) == link_of(mux_id) && c.family == family;
    });
    return call == calls_.end() ? nullptr : &*call;
}

bool QmiCore::has_call(const std::function<bool(const Call &)> &which) const {
    return std::any_of(calls_.begin(), calls_.end(), which);
}

const Call *QmiCore::call_of(const QmiClientRecord &client) const {
    if (client.family)
        return find_call(client.mux_id, *client.family);
    const Call *call = find_call(client.mux_id, IpFamily::v4);
    return call ? call : find_call(client.mux_id, IpFamily::v6);
}

void QmiCore::end_calls(const std::function<bool(const Call &)> &which, const CallEnd &why) {
    const auto first_ended =
        std::stable_partition(calls_.begin(), calls_.end(), std::not_fn(which));
    const std::vector<Call> ended(first_ended, calls_.end());
    calls_.erase(first_ended, calls_.end());
    for (const Call &call : ended) {
        hooks.call_changed(call.mux_id, call.family, false);
        indicate_status(call, &why);
    }
}

void QmiCore::indicate_status(const Call &call, const CallEnd *why_down) {
    for (const auto &client : clients_) {
        const bool follows = link_of(client.mux_id) == link_of(call.mux_id) &&
                             client.family.value_or(call.family) == call.family;
        if (client.service != Service::wds || (client.id != call.owner && !follows))
            continue;
        QmiMessage indication{.from_modem = true,
                              .service = Service::wds,
                              .client = client.id,
                              .kind = QmiKind::indication,
                              .id = wds_packet_service_status,
                              .tlvs = {}};
        const uint8_t status[] = {static_cast<uint8_t>(why_down ? 1 : 2), 0};
        indication.put(0x01, status);
        if (why_down)
            why_down->put(indication);
        indication.put_u8(0x12, static_cast<uint8_t>(call.family));
        send(indication);
    }
}

bool QmiCore::is_data_endpoint(Endpoint endpoint) const {
    return endpoint.type == endpoint_hsusb && endpoint.interface == profile.qmi_interface;
}

void QmiCore::send(const QmiMessage &message) {
    Bytes frame = encode(message);
    if (faults.answer_delay.count() == 0)
        hooks.send(std::move(frame));
    else
        after(faults.answer_delay, [this, frame = std::move(frame)] { hooks.send(frame); });
}

void QmiCore::after(std::chrono::milliseconds delay, std::function<void()> work) {
    hooks.after(delay, [power = std::weak_ptr(powered_), work = std::move(work)] {
        if (power.lock())
            work();
    });
}

std::optional<ByteView> Arguments::optional_bytes(uint8_t type, size_t length) {
    const auto value = request_.find(type);
    if (!value || value->size() >= length)
        return value;
    if (error_ == QmiError::none)
        error_ = QmiError::malformed_message;
    return std::nullopt;
}

template <typename Integer> Integer Arguments::mandatory(std::optional<Integer> value) {
    if (!value && error_ == QmiError::none)
        error_ = QmiError::missing_argument;
    return value.value_or(0);
}

std::optional<uint8_t> Arguments::optional_u8(uint8_t type) {
    const auto value = optional_bytes(type, 1);
    return value ? std::optional((*value)[0]) : std::nullopt;
}

std::optional<uint16_t> Arguments::optional_u16(uint8_t type) {
    const auto value = optional_bytes(type, 2);
    if (!value)
        return std::nullopt;
    return static_cast<uint16_t>((*value)[0] | (*value)[1] << 8);
}

std::optional<uint32_t> Arguments::optional_u32(uint8_t type) {
    const auto value = optional_bytes(type, 4);
    return value ? std::optional(read_u32(*value)) : std::nullopt;
}

std::optional<Endpoint> Arguments::optional_endpoint(uint8_t type) {
    const auto value = optional_bytes(type, 8);
    if (!value)
        return std::nullopt;
    return Endpoint{read_u32(*value), read_u32(value->subspan(4))};
}

uint8_t Arguments::u8(uint8_t type) {
    return mandatory(optional_u8(type));
}

uint32_t Arguments::u32(uint8_t type) {
    return mandatory(optional_u32(type));
}

ByteView Arguments::bytes(uint8_t type, size_t length) {
    static constexpr std::array<uint8_t, 8> zeros{};
    const auto value = optional_bytes(type, length);
    if (value)
        return *value;
    if (error_ == QmiError::none)
        error_ = QmiError::missing_argument;
    return ByteView(zeros).first(length);
}

} // namespace vmodem
