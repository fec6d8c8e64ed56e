// SPDX-License-Identifier: GPL-2.0
// A QMI server on a bench: what it sends is kept, its deferred work runs when told to.
#pragma once

#include "../modem/qmi_server.h"

#include <deque>
#include <gtest/gtest.h>
#include <string>
#include <tuple>
#include <vector>

namespace vmodem {

inline constexpr Profile lte_profile{
    .name = "lte",
    .vendor_id = 0x2c7c,
    .product_id = 0x0125,
    .manufacturer = "Quectel",
    .product = "EC25",
    .revision = "EC25EFAR06A01M4G",
    .qmi_interface = 4,
    .qmap = Qmap::v1,
    .qmap_only = false,
    .nr = false,
    .limits = {10, 4096, 16, 4096},
};

inline constexpr Profile nr_profile{
    .name = "nr",
    .vendor_id = 0x2c7c,
    .product_id = 0x0800,
    .manufacturer = "Quectel",
    .product = "RM500Q-GL",
    .revision = "RM500QGLAAR03A01M4G",
    .qmi_interface = 4,
    .qmap = Qmap::v5,
    .qmap_only = true,
    .nr = true,
    .limits = {64, 31744, 11, 8192},
};

class QmiBench {
  public:
    using CallEvent = std::tuple<uint8_t, IpFamily, bool>;

    explicit QmiBench(const Profile &profile = lte_profile)
        : server(profile, {.send = [this](Bytes frame) { sent.push_back(std::move(frame)); },
                           .format_changed = [this](const DataFormat &f) { formats.push_back(f); },
                           .call_changed = [this](uint8_t mux, IpFamily family,
                                                  bool up) { calls.emplace_back(mux, family, up); },
                           .reset = [this] { resets++; },
                           .after =
                               [this](std::chrono::milliseconds delay, std::function<void()> work) {
                                   deferred.emplace_back(delay, std::move(work));
                               }}) {}

    void run_deferred() {
        while (!deferred.empty()) {
            const auto work = std::move(deferred.front().second);
            deferred.pop_front();
            work();
        }
    }

    // What the server sent next; fails the test if there is nothing or it cannot be decoded.
    QmiMessage next() {
        if (sent.empty()) {
            ADD_FAILURE() << "the server sent nothing";
            return {};
        }
        const auto message = decode(sent.front());
        sent.pop_front();
        EXPECT_TRUE(message && message->from_modem);
        return message.value_or(QmiMessage{});
    }

    static QmiMessage request(Service service, uint8_t client, uint16_t id) {
        QmiMessage message;
        message.service = service;
        message.client = client;
        message.id = id;
        return message;
    }

    // Sends a request, returns its response.
    QmiMessage ask(QmiMessage request) {
        request.transaction = ++transaction_ & 0xff;
        server.receive(encode(request));
        const QmiMessage response = next();
        EXPECT_EQ(response.kind, QmiKind::response);
        EXPECT_EQ(response.service, request.service);
        EXPECT_EQ(response.client, request.client);
        EXPECT_EQ(response.transaction, request.transaction);
        EXPECT_EQ(response.id, request.id);
        EXPECT_TRUE(response.result().has_value());
        return response;
    }

    QmiMessage ask(Service service, uint8_t client, uint16_t id) {
        return ask(request(service, client, id));
    }

    QmiError error_of(QmiMessage request) {
        return ask(std::move(request)).result().value_or(QmiError::malformed_message);
    }

    QmiError try_allocate(Service service, uint8_t *id = nullptr) {
        QmiMessage message = request(Service::ctl, 0, 0x22);
        message.put_u8(0x01, static_cast<uint8_t>(service));
        const QmiMessage response = ask(message);
        const auto allocated = response.find(0x01);
        if (allocated && allocated->size() == 2 && id)
            *id = (*allocated)[1];
        return response.result().value_or(QmiError::malformed_message);
    }

    uint8_t allocate(Service service) {
        uint8_t id = 0;
        EXPECT_EQ(try_allocate(service, &id), QmiError::none);
        return id;
    }

    QmiError release(Service service, uint8_t id) {
        QmiMessage message = request(Service::ctl, 0, 0x23);
        const uint8_t value[] = {static_cast<uint8_t>(service), id};
        message.put(0x01, value);
        return error_of(message);
    }

    // A WDS client bound to that mux, of that family.
    uint8_t wds_client(uint8_t mux_id, uint8_t family) {
        const uint8_t id = allocate(Service::wds);
        QmiMessage bind = request(Service::wds, id, 0xa2);
        put_endpoint(bind, 0x10, 2, 4);
        bind.put_u8(0x11, mux_id);
        bind.put_u32(0x13, 1);
        EXPECT_EQ(error_of(bind), QmiError::none);
        QmiMessage set_family = request(Service::wds, id, 0x4d);
        set_family.put_u8(0x01, family);
        EXPECT_EQ(error_of(set_family), QmiError::none);
        return id;
    }

    // Start network; the indications to follow are left in sent.
    QmiMessage start(uint8_t client) { return ask(Service::wds, client, 0x20); }

    QmiError stop(uint8_t client, uint32_t handle) {
        QmiMessage message = request(Service::wds, client, 0x21);
        message.put_u32(0x01, handle);
        return error_of(message);
    }

    static void put_endpoint(QmiMessage &message, uint8_t tlv, uint32_t type, uint32_t interface) {
        Bytes value;
        append_u32(value, type);
        append_u32(value, interface);
        message.put(tlv, value);
    }

    void expect_status(uint8_t client, uint8_t status, uint8_t family) {
        const QmiMessage indication = next();
        EXPECT_EQ(indication.kind, QmiKind::indication);
        EXPECT_EQ(indication.service, Service::wds);
        EXPECT_EQ(indication.id, 0x22);
        EXPECT_EQ(indication.client, client);
        EXPECT_EQ(indication.find_u8(0x01), status);
        EXPECT_EQ(indication.find_u8(0x12), family);
    }

    std::deque<Bytes> sent;
    std::vector<DataFormat> formats;
    std::vector<CallEvent> calls;
    std::deque<std::pair<std::chrono::milliseconds, std::function<void()>>> deferred;
    unsigned resets = 0;
    QmiServer server;

  private:
    unsigned transaction_ = 0;
};

} // namespace vmodem
