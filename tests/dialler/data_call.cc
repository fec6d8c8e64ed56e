// SPDX-License-Identifier: GPL-2.0
#include "data_call.h"

#include <algorithm>

namespace dialler {

namespace {

constexpr uint16_t wda_set_data_format = 0x20;
constexpr uint16_t wds_start = 0x20, wds_stop = 0x21, wds_status = 0x22, wds_settings = 0x2d,
                   wds_set_family = 0x4d, wds_set_autoconnect = 0x51, wds_bind_mux = 0xa2;
constexpr uint8_t status_connected = 2;

// What the dialler wants to send at once; the driver never needs more.
constexpr uint32_t own_ul_max_datagrams = 11, own_ul_max_size = 8192;

constexpr uint32_t settings_mask = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 13 | 1 << 15;

void put_endpoint(QmiMessage &message, uint8_t type, const DriverFacts &facts) {
    Bytes value;
    vmodem::append_u32(value, facts.endpoint_type);
    vmodem::append_u32(value, facts.interface);
    message.put(type, value);
}

vmodem::Qmap qmap_of(const QmiMessage &response, uint8_t type) {
    return static_cast<vmodem::Qmap>(response.find_u32(type).value_or(0));
}

void read_ipv6(const QmiMessage &response, uint8_t type, std::array<uint8_t, 16> &address) {
    const auto value = response.find(type);
    if (value && value->size() >= address.size())
        std::copy_n(value->begin(), address.size(), address.begin());
}

} // namespace

DataFormat agree_format(QmiClient &qmi, const DriverFacts &facts) {
    const ClientId wda = qmi.allocate(Service::wda);
    QmiMessage request = QmiClient::request(wda, wda_set_data_format);
    request.put_u8(0x10, 0);
    if (facts.qmap_mode == 0) {
        request.put_u32(0x11, facts.raw_ip ? 2 : 1);
        request.put_u32(0x13, 0);
    } else {
        request.put_u32(0x11, 2);
        request.put_u32(0x12, facts.qmap_version);
        request.put_u32(0x13, facts.qmap_version);
        request.put_u32(0x15, facts.rx_urb_size / 512);
        request.put_u32(0x16, facts.rx_urb_size);
        put_endpoint(request, 0x17, facts);
        request.put_u32(0x19, facts.dl_minimum_padding);
        request.put_u32(0x1b, own_ul_max_datagrams);
        request.put_u32(0x1c, own_ul_max_size);
    }
    const QmiMessage response = qmi.require(request, "WDA set data format");
    DataFormat format;
    format.agreed = true;
    format.link_protocol = static_cast<vmodem::LinkProtocol>(response.find_u32(0x11).value_or(2));
    format.ul = qmap_of(response, 0x12);
    format.dl = qmap_of(response, 0x13);
    format.dl_max_datagrams = response.find_u32(0x15).value_or(0);
    format.dl_max_size = response.find_u32(0x16).value_or(0);
    format.ul_max_datagrams = response.find_u32(0x17).value_or(0);
    format.ul_max_size = response.find_u32(0x18).value_or(0);
    format.dl_minimum_padding = response.find_u32(0x1a).value_or(0);
    qmi.release(wda);
    return format;
}

bool apply_format(const Driver &driver, const DriverFacts &facts, const DataFormat &format) {
    if (facts.qmap_mode == 0 || format.ul_max_datagrams <= 1)
        return false;
    return driver.set_ul_limits(facts, std::min(format.ul_max_datagrams, own_ul_max_datagrams),
                                std::min(format.ul_max_size, own_ul_max_size));
}

DataCall::DataCall(QmiClient &qmi, const DriverFacts &facts, uint8_t mux_id, IpFamily family,
                   uint8_t profile)
    : qmi_(qmi), wds_(qmi.allocate(Service::wds)), family_(family) {
    try {
        dial(facts, mux_id, profile);
    } catch (const QmiRefused &) {
        qmi_.release(wds_); // the module is there and talks
        throw;
    }
}

void DataCall::dial(const DriverFacts &facts, uint8_t mux_id, uint8_t profile) {
    if (mux_id != 0) {
        QmiMessage bind = QmiClient::request(wds_, wds_bind_mux);
        put_endpoint(bind, 0x10, facts);
        bind.put_u8(0x11, mux_id);
        bind.put_u32(0x13, 1); // tethered
        qmi_.require(bind, "WDS bind mux data port");
    }
    QmiMessage set_family = QmiClient::request(wds_, wds_set_family);
    set_family.put_u8(0x01, static_cast<uint8_t>(family_));
    qmi_.require(set_family, "WDS set IP family");

    QmiMessage autoconnect = QmiClient::request(wds_, wds_set_autoconnect);
    autoconnect.put_u8(0x01, 0);
    qmi_.transact(autoconnect); // not every module has it

    QmiMessage start = QmiClient::request(wds_, wds_start);
    start.put_u8(0x19, static_cast<uint8_t>(family_));
    start.put_u8(0x31, profile);
    const auto handle = qmi_.require(start, "WDS start network").find_u32(0x01);
    if (!handle)
        throw QmiRefused("WDS start network", QmiError::malformed_message);
    handle_ = *handle;
    if (!wait_status(std::chrono::seconds(2)).value_or(false) && !connected())
        throw QmiRefused("WDS start network: not connected", QmiError::call_failed);
}

DataCall::~DataCall() {
    try {
        stop();
        qmi_.release(wds_);
    } catch (const std::exception &) {
        // The module is gone, and the call with it.
    }
}

bool DataCall::connected() {
    const QmiMessage response =
        qmi_.require(QmiClient::request(wds_, wds_status), "WDS packet service status");
    return response.find_u8(0x01) == status_connected;
}

PdnAddressing DataCall::settings() {
    QmiMessage request = QmiClient::request(wds_, wds_settings);
    request.put_u32(0x10, settings_mask);
    const QmiMessage response = qmi_.require(request, "WDS get current settings");
    PdnAddressing settings;
    settings.ipv4_host = response.find_u32(0x1e).value_or(0);
    settings.ipv4_gateway = response.find_u32(0x20).value_or(0);
    settings.ipv4_netmask = response.find_u32(0x21).value_or(0);
    settings.ipv4_dns1 = response.find_u32(0x15).value_or(0);
    settings.ipv4_dns2 = response.find_u32(0x16).value_or(0);
    read_ipv6(response, 0x25, settings.ipv6_host);
    read_ipv6(response, 0x26, settings.ipv6_gateway);
    read_ipv6(response, 0x27, settings.ipv6_dns1);
    read_ipv6(response, 0x28, settings.ipv6_dns2);
    if (const auto host = response.find(0x25); host && host->size() >= 17)
        settings.ipv6_prefix_length = (*host)[16];
    settings.mtu = response.find_u32(0x29).value_or(settings.mtu);
    return settings;
}

std::optional<bool> DataCall::wait_status(std::chrono::milliseconds timeout) {
    const auto indication = qmi_.wait_indication(wds_, wds_status, timeout);
    if (!indication)
        return std::nullopt;
    return indication->find_u8(0x01) == status_connected;
}

void DataCall::stop() {
    if (handle_ == 0)
        return;
    QmiMessage request = QmiClient::request(wds_, wds_stop);
    request.put_u32(0x01, handle_);
    handle_ = 0;
    qmi_.transact(request); // refused if the network had hung up already
}

} // namespace dialler
