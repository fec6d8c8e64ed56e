// SPDX-License-Identifier: GPL-2.0
#include "qmi_bench.h"

#include <random>
#include <set>

namespace vmodem {

namespace {

constexpr uint8_t connected = 2, disconnected = 1;

TEST(QmiCtl, Version) {
    QmiBench bench;
    const QmiMessage response = bench.ask(Service::ctl, 0, 0x21);
    const auto list = response.find(0x01);
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 1 + 5u * (*list)[0]);
    std::set<uint8_t> services;
    for (size_t i = 1; i < list->size(); i += 5)
        services.insert((*list)[i]);
    EXPECT_EQ(services, (std::set<uint8_t>{0x00, 0x01, 0x02, 0x03, 0x0b, 0x1a}));
}

TEST(QmiCtl, ClientIdsAreCountedForEachService) {
    QmiBench bench;
    EXPECT_EQ(bench.allocate(Service::wds), 17);
    EXPECT_EQ(bench.allocate(Service::wds), 18);
    EXPECT_EQ(bench.allocate(Service::dms), 1);
    EXPECT_EQ(bench.allocate(Service::nas), 1);
    EXPECT_EQ(bench.server.client_count(), 4u);
    EXPECT_EQ(bench.try_allocate(Service::ctl), QmiError::invalid_service);
    EXPECT_EQ(bench.try_allocate(Service::loc), QmiError::invalid_service);
}

TEST(QmiCtl, ReleasedClientIsUnknown) {
    QmiBench bench;
    const uint8_t dms = bench.allocate(Service::dms);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x23).result(), QmiError::none);
    EXPECT_EQ(bench.release(Service::dms, dms), QmiError::none);
    EXPECT_EQ(bench.release(Service::dms, dms), QmiError::invalid_client_id);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x23).result(), QmiError::invalid_client_id);
    EXPECT_NE(bench.allocate(Service::dms), dms);
}

TEST(QmiCtl, Holds32Clients) {
    QmiBench bench;
    uint8_t last = 0;
    for (unsigned i = 0; i < 32; i++)
        last = bench.allocate(i & 1 ? Service::wds : Service::nas);
    EXPECT_EQ(bench.try_allocate(Service::dms), QmiError::client_ids_exhausted);
    EXPECT_EQ(bench.server.client_count(), 32u);
    EXPECT_EQ(bench.release(Service::wds, last), QmiError::none);
    EXPECT_EQ(bench.try_allocate(Service::dms), QmiError::none);
}

TEST(QmiCtl, ClientIdsWrapAround) {
    QmiBench bench;
    const uint8_t kept = bench.allocate(Service::dms);
    for (unsigned i = 0; i < 600; i++) {
        const uint8_t id = bench.allocate(Service::dms);
        ASSERT_NE(id, kept);
        ASSERT_GE(id, 1);
        ASSERT_LE(id, 254);
        ASSERT_EQ(bench.release(Service::dms, id), QmiError::none);
    }
}

TEST(QmiCtl, SyncForgetsClientsAndCalls) {
    QmiBench bench;
    const uint8_t wds = bench.wds_client(0x81, 4);
    bench.start(wds);
    bench.expect_status(wds, connected, 4);
    EXPECT_EQ(bench.ask(Service::ctl, 0, 0x27).result(), QmiError::none);
    EXPECT_EQ(bench.server.client_count(), 0u);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).result(), QmiError::invalid_client_id);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0x81, IpFamily::v4, false));
    EXPECT_TRUE(bench.sent.empty());
}

TEST(QmiCtl, InstanceAndDataFormat) {
    QmiBench bench;
    QmiMessage instance = QmiBench::request(Service::ctl, 0, 0x20);
    instance.put_u8(0x01, 0);
    EXPECT_EQ(bench.ask(instance).find_u16(0x01), 0);
    QmiMessage format = QmiBench::request(Service::ctl, 0, 0x26);
    format.put_u8(0x01, 0);
    format.put_u16(0x10, 2);
    EXPECT_EQ(bench.ask(format).find_u16(0x10), 2);
}

TEST(QmiServer, UnknownMessages) {
    QmiBench bench;
    EXPECT_EQ(bench.ask(Service::ctl, 0, 0xff00).result(), QmiError::invalid_qmi_command);
    const uint8_t nas = bench.allocate(Service::nas);
    EXPECT_EQ(bench.ask(Service::nas, nas, 0x1234).result(), QmiError::invalid_qmi_command);
    EXPECT_EQ(bench.ask(Service::loc, 1, 0x20).result(), QmiError::invalid_client_id);
}

TEST(QmiServer, MissingAndShortArguments) {
    QmiBench bench;
    EXPECT_EQ(bench.ask(Service::ctl, 0, 0x22).result(), QmiError::missing_argument);
    QmiMessage empty = QmiBench::request(Service::ctl, 0, 0x22);
    empty.put(0x01, {});
    EXPECT_EQ(bench.error_of(empty), QmiError::malformed_message);
    const uint8_t wda = bench.allocate(Service::wda);
    QmiMessage cut = QmiBench::request(Service::wda, wda, 0x20);
    cut.put_u16(0x16, 4096);
    EXPECT_EQ(bench.error_of(cut), QmiError::malformed_message);
    EXPECT_TRUE(bench.formats.empty());
}

TEST(QmiServer, MalformedTlvsAreAnswered) {
    QmiBench bench;
    QmiMessage request = QmiBench::request(Service::ctl, 0, 0x22);
    request.transaction = 9;
    request.put_u8(0x01, 1);
    Bytes frame = encode(request);
    frame[13] = 7; // TLV length
    bench.server.receive(frame);
    const QmiMessage response = bench.next();
    EXPECT_EQ(response.transaction, 9);
    EXPECT_EQ(response.id, 0x22);
    EXPECT_EQ(response.result(), QmiError::malformed_message);
}

TEST(QmiServer, IgnoresWhatIsNoRequest) {
    QmiBench bench;
    QmiMessage message = QmiBench::request(Service::ctl, 0, 0x27);
    message.kind = QmiKind::response;
    bench.server.receive(encode(message));
    message.kind = QmiKind::request;
    message.from_modem = true;
    bench.server.receive(encode(message));
    bench.server.receive({});
    bench.server.receive(Bytes(4096, 0xff));
    Bytes cut = encode(QmiBench::request(Service::ctl, 0, 0x27));
    cut.pop_back();
    bench.server.receive(cut);
    EXPECT_TRUE(bench.sent.empty());
}

TEST(QmiServer, SurvivesMutations) {
    QmiBench bench(nr_profile);
    std::mt19937 random(2);
    constexpr Service services[] = {Service::ctl, Service::wds, Service::dms,
                                    Service::nas, Service::uim, Service::wda};
    for (unsigned round = 0; round < 20000; round++) {
        QmiMessage request =
            QmiBench::request(services[random() % 6], random() % 24, 0x1f + random() % 0x35);
        if (random() % 16 == 0)
            request.id = 0xa2;
        for (unsigned n = random() % 4; n > 0; n--)
            request.put(random() % 0x34, Bytes(random() % 10, random() % 8));
        Bytes frame = encode(request);
        if (random() % 2)
            frame[random() % frame.size()] = random();
        bench.server.receive(frame);
        bench.run_deferred();
        for (const Bytes &sent : bench.sent)
            ASSERT_TRUE(decode(sent));
        bench.sent.clear();
    }
    EXPECT_LE(bench.server.client_count(), 32u);
}

QmiMessage wda_request(uint8_t client, uint32_t link_protocol, uint32_t qmap) {
    QmiMessage request = QmiBench::request(Service::wda, client, 0x20);
    request.put_u8(0x10, 0);
    request.put_u32(0x11, link_protocol);
    request.put_u32(0x12, qmap);
    request.put_u32(0x13, qmap);
    return request;
}

// As quectel-CM asks for it.
QmiMessage wda_request(uint8_t client, uint32_t qmap, uint32_t dl_datagrams, uint32_t dl_size) {
    QmiMessage request = wda_request(client, 2, qmap);
    request.put_u32(0x15, dl_datagrams);
    request.put_u32(0x16, dl_size);
    QmiBench::put_endpoint(request, 0x17, 2, 4);
    request.put_u32(0x19, 0);
    request.put_u32(0x1b, 11);
    request.put_u32(0x1c, 8192);
    return request;
}

TEST(QmiWda, AnswersItsOwnLimits) {
    QmiBench bench;
    const uint8_t wda = bench.allocate(Service::wda);
    const QmiMessage response = bench.ask(wda_request(wda, 9, 62, 31744));
    EXPECT_EQ(response.find_u32(0x11), 2u);
    EXPECT_EQ(response.find_u32(0x12), 5u); // no v5 here
    EXPECT_EQ(response.find_u32(0x13), 5u);
    EXPECT_EQ(response.find_u32(0x15), 10u);
    EXPECT_EQ(response.find_u32(0x16), 4096u);
    EXPECT_EQ(response.find_u32(0x17), 11u);
    EXPECT_EQ(response.find_u32(0x18), 4096u);
    ASSERT_EQ(bench.formats.size(), 1u);
    const DataFormat &format = bench.server.format();
    EXPECT_TRUE(format.agreed);
    EXPECT_EQ(format.dl, Qmap::v1);
    EXPECT_EQ(format.dl_max_size, 4096u);
    EXPECT_EQ(format.ul_max_datagrams, 11u);
}

TEST(QmiWda, NeverMoreThanAsked) {
    QmiBench bench(nr_profile);
    const uint8_t wda = bench.allocate(Service::wda);
    const QmiMessage response = bench.ask(wda_request(wda, 9, 32, 16384));
    EXPECT_EQ(response.find_u32(0x13), 9u);
    EXPECT_EQ(response.find_u32(0x15), 32u);
    EXPECT_EQ(response.find_u32(0x16), 16384u);
    // Nothing asked for: what the module can do.
    EXPECT_EQ(bench.ask(wda_request(wda, 2, 5)).find_u32(0x16), 31744u);
    EXPECT_EQ(bench.server.format().dl, Qmap::v1);
}

TEST(QmiWda, UnaggregatedWhereThereIsSuchAMode) {
    QmiBench bench;
    const uint8_t wda = bench.allocate(Service::wda);
    for (const uint32_t link_protocol : {1, 2}) {
        const QmiMessage response = bench.ask(wda_request(wda, link_protocol, 0));
        EXPECT_EQ(response.find_u32(0x11), link_protocol);
        EXPECT_EQ(response.find_u32(0x12), 0u);
        EXPECT_EQ(response.find_u32(0x13), 0u);
        for (const uint8_t limit : {0x15, 0x16, 0x17, 0x18})
            EXPECT_EQ(response.find_u32(limit), 0u);
    }
}

TEST(QmiWda, NrModulesStayInQmap) {
    QmiBench bench(nr_profile);
    EXPECT_EQ(bench.server.format().dl, Qmap::v5);
    EXPECT_FALSE(bench.server.format().agreed);
    const uint8_t wda = bench.allocate(Service::wda);
    const QmiMessage response = bench.ask(wda_request(wda, 1, 0));
    EXPECT_EQ(response.find_u32(0x11), 2u);
    EXPECT_EQ(response.find_u32(0x12), 9u);
    EXPECT_EQ(response.find_u32(0x13), 9u);
    EXPECT_EQ(response.find_u32(0x16), 31744u);
}

TEST(QmiWda, GetWantsTheEndpointOnNrModules) {
    QmiBench nr(nr_profile), lte;
    const uint8_t wda = nr.allocate(Service::wda);
    EXPECT_EQ(nr.ask(Service::wda, wda, 0x21).result(), QmiError::missing_argument);
    QmiMessage request = QmiBench::request(Service::wda, wda, 0x21);
    QmiBench::put_endpoint(request, 0x10, 2, 4);
    EXPECT_EQ(nr.ask(request).find_u32(0x13), 9u);
    QmiMessage elsewhere = QmiBench::request(Service::wda, wda, 0x21);
    QmiBench::put_endpoint(elsewhere, 0x10, 2, 3);
    EXPECT_EQ(nr.error_of(elsewhere), QmiError::invalid_argument);

    const uint8_t lte_wda = lte.allocate(Service::wda);
    EXPECT_EQ(lte.ask(Service::wda, lte_wda, 0x21).find_u32(0x13), 0u);
}

TEST(QmiWda, RefusesNonsense) {
    QmiBench bench;
    const uint8_t wda = bench.allocate(Service::wda);
    EXPECT_EQ(bench.error_of(wda_request(wda, 3, 5)), QmiError::invalid_argument);
    EXPECT_EQ(bench.error_of(wda_request(wda, 2, 10)), QmiError::invalid_argument);
    EXPECT_FALSE(bench.server.format().agreed);
}

TEST(QmiWds, OneCall) {
    QmiBench bench;
    const uint8_t wds = bench.wds_client(0x82, 4);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).find_u8(0x01), disconnected);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x2d).result(), QmiError::out_of_call);

    const QmiMessage started = bench.start(wds);
    EXPECT_EQ(started.result(), QmiError::none);
    const uint32_t handle = started.find_u32(0x01).value_or(0);
    EXPECT_NE(handle, 0u);
    bench.expect_status(wds, connected, 4);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0x82, IpFamily::v4, true));
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).find_u8(0x01), connected);
    EXPECT_EQ(bench.start(wds).result(), QmiError::no_effect);

    EXPECT_EQ(bench.stop(wds, handle + 1), QmiError::invalid_handle);
    EXPECT_EQ(bench.stop(wds, handle), QmiError::none);
    bench.expect_status(wds, disconnected, 4);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0x82, IpFamily::v4, false));
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).find_u8(0x01), disconnected);
    EXPECT_EQ(bench.stop(wds, handle), QmiError::invalid_handle);
    EXPECT_TRUE(bench.sent.empty());
}

TEST(QmiWds, Settings) {
    QmiBench bench;
    const uint8_t v4 = bench.wds_client(0x82, 4), v6 = bench.wds_client(0x82, 6);
    bench.start(v4);
    bench.expect_status(v4, connected, 4);
    bench.start(v6);
    bench.expect_status(v6, connected, 6);
    const PdnAddressing pdn = addressing_of(2);
    EXPECT_EQ(pdn.ipv4_host, 0x0a660002u);
    EXPECT_EQ(pdn.ipv4_gateway, 0x0a660001u);

    QmiMessage answer = bench.ask(Service::wds, v4, 0x2d);
    EXPECT_EQ(answer.find_u32(0x1e), pdn.ipv4_host);
    EXPECT_EQ(answer.find_u32(0x20), pdn.ipv4_gateway);
    EXPECT_EQ(answer.find_u32(0x21), 0xfffffffc);
    EXPECT_EQ(answer.find_u32(0x15), pdn.ipv4_dns1);
    EXPECT_EQ(answer.find_u32(0x29), 1500u);
    EXPECT_EQ(answer.find_u8(0x2b), 4);
    EXPECT_FALSE(answer.find(0x25));

    answer = bench.ask(Service::wds, v6, 0x2d);
    const auto address = answer.find(0x25);
    ASSERT_TRUE(address);
    EXPECT_EQ(Bytes(address->begin(), address->end()),
              (Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 64}));
    EXPECT_EQ(answer.find_u8(0x2b), 6);
    EXPECT_FALSE(answer.find(0x1e));

    QmiMessage only_mtu = QmiBench::request(Service::wds, v4, 0x2d);
    only_mtu.put_u32(0x10, 1 << 13);
    answer = bench.ask(only_mtu);
    EXPECT_TRUE(answer.find(0x29));
    EXPECT_FALSE(answer.find(0x1e));
}

TEST(QmiWds, SeveralPdnsAndFamiliesAtOnce) {
    QmiBench bench;
    std::set<uint32_t> handles;
    std::vector<uint8_t> clients;
    for (const uint8_t mux : {0x81, 0x82, 0x83}) {
        for (const uint8_t family : {4, 6}) {
            const uint8_t wds = bench.wds_client(mux, family);
            clients.push_back(wds);
            handles.insert(bench.start(wds).find_u32(0x01).value_or(0));
            bench.expect_status(wds, connected, family);
        }
    }
    EXPECT_EQ(handles.size(), 6u);
    EXPECT_EQ(bench.calls.size(), 6u);

    bench.server.drop_call(0x82);
    bench.expect_status(clients[2], disconnected, 4);
    bench.expect_status(clients[3], disconnected, 6);
    EXPECT_EQ(bench.ask(Service::wds, clients[2], 0x22).find_u8(0x01), disconnected);
    EXPECT_EQ(bench.ask(Service::wds, clients[1], 0x22).find_u8(0x01), connected);
    EXPECT_EQ(bench.start(clients[2]).result(), QmiError::none);
}

TEST(QmiWds, TwoClientsOfOneMux) {
    QmiBench bench;
    const uint8_t owner = bench.wds_client(0x81, 4), other = bench.wds_client(0x81, 4),
                  elsewhere = bench.wds_client(0x82, 4);
    const uint32_t handle = bench.start(owner).find_u32(0x01).value_or(0);
    bench.expect_status(owner, connected, 4);
    bench.expect_status(other, connected, 4);
    EXPECT_EQ(bench.start(other).result(), QmiError::no_effect);
    EXPECT_EQ(bench.stop(other, handle), QmiError::invalid_handle);
    EXPECT_EQ(bench.ask(Service::wds, other, 0x22).find_u8(0x01), connected);
    EXPECT_EQ(bench.ask(Service::wds, elsewhere, 0x22).find_u8(0x01), disconnected);

    // A call goes with the client that started it.
    EXPECT_EQ(bench.server.client_count(), 3u);
    QmiMessage release = QmiBench::request(Service::ctl, 0, 0x23);
    const uint8_t value[] = {1, owner};
    release.put(0x01, value);
    bench.server.receive(encode(release));
    bench.expect_status(other, disconnected, 4);
    EXPECT_EQ(bench.next().result(), QmiError::none);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0x81, IpFamily::v4, false));
}

TEST(QmiWds, UnboundClientsShareTheFirstMux) {
    QmiBench bench;
    const uint8_t unbound = bench.allocate(Service::wds), bound = bench.wds_client(0x81, 4);
    bench.start(unbound);
    bench.expect_status(unbound, connected, 4);
    bench.expect_status(bound, connected, 4);
    EXPECT_EQ(bench.start(bound).result(), QmiError::no_effect);
    EXPECT_EQ(bench.ask(Service::wds, unbound, 0x2d).find_u32(0x1e), addressing_of(0).ipv4_host);
    bench.server.drop_call(0x81);
    bench.expect_status(unbound, disconnected, 4);
    bench.expect_status(bound, disconnected, 4);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0, IpFamily::v4, false));
}

TEST(QmiWds, FamilyOfTheStartRequest) {
    QmiBench bench;
    const uint8_t wds = bench.allocate(Service::wds); // neither bound nor of a family
    QmiMessage start = QmiBench::request(Service::wds, wds, 0x20);
    start.put_u8(0x19, 6);
    start.put_u8(0x31, 1);
    EXPECT_EQ(bench.error_of(start), QmiError::none);
    bench.expect_status(wds, connected, 6);
    EXPECT_EQ(bench.calls.back(), QmiBench::CallEvent(0, IpFamily::v6, true));
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x2d).find_u8(0x2b), 6);
}

TEST(QmiWds, RefusesNonsense) {
    QmiBench bench;
    const uint8_t wds = bench.allocate(Service::wds);
    QmiMessage start = QmiBench::request(Service::wds, wds, 0x20);
    start.put_u8(0x31, 200);
    EXPECT_EQ(bench.error_of(start), QmiError::invalid_profile);
    QmiMessage family = QmiBench::request(Service::wds, wds, 0x4d);
    family.put_u8(0x01, 5);
    EXPECT_EQ(bench.error_of(family), QmiError::invalid_argument);
    QmiMessage mux = QmiBench::request(Service::wds, wds, 0xa2);
    mux.put_u8(0x11, 0xff);
    EXPECT_EQ(bench.error_of(mux), QmiError::invalid_argument);
    QmiMessage endpoint = QmiBench::request(Service::wds, wds, 0xa2);
    QmiBench::put_endpoint(endpoint, 0x10, 3, 4);
    endpoint.put_u8(0x11, 0x81);
    EXPECT_EQ(bench.error_of(endpoint), QmiError::invalid_argument);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0xa2).result(), QmiError::missing_argument);
    EXPECT_TRUE(bench.calls.empty());
}

TEST(QmiWds, ProfilesAndTheRest) {
    QmiBench bench;
    const uint8_t wds = bench.allocate(Service::wds);
    const QmiMessage response = bench.ask(Service::wds, wds, 0x2a);
    const auto list = response.find(0x01);
    ASSERT_TRUE(list);
    EXPECT_EQ((*list)[0], 8);

    QmiMessage settings = QmiBench::request(Service::wds, wds, 0x2b);
    const uint8_t first[] = {0, 1};
    settings.put(0x01, first);
    EXPECT_EQ(bench.ask(settings).find(0x14)->size(), 8u);
    QmiMessage beyond = QmiBench::request(Service::wds, wds, 0x2b);
    const uint8_t ninth[] = {0, 9};
    beyond.put(0x01, ninth);
    EXPECT_EQ(bench.error_of(beyond), QmiError::invalid_profile);

    QmiMessage statistics = QmiBench::request(Service::wds, wds, 0x24);
    statistics.put_u32(0x01, 3);
    EXPECT_EQ(bench.error_of(statistics), QmiError::out_of_call);
    bench.start(wds);
    bench.sent.clear();
    const QmiMessage counters = bench.ask(statistics);
    EXPECT_TRUE(counters.find(0x10) && counters.find(0x11) && !counters.find(0x12));

    QmiMessage autoconnect = QmiBench::request(Service::wds, wds, 0x51);
    autoconnect.put_u8(0x01, 0);
    EXPECT_EQ(bench.error_of(autoconnect), QmiError::none);
    QmiMessage port = QmiBench::request(Service::wds, wds, 0x89);
    port.put_u16(0x01, 0x0e04);
    EXPECT_EQ(bench.error_of(port), QmiError::none);
}

TEST(QmiDms, Identity) {
    QmiBench bench;
    const uint8_t dms = bench.allocate(Service::dms);
    const QmiMessage revision = bench.ask(Service::dms, dms, 0x23);
    const auto text = revision.find(0x01);
    ASSERT_TRUE(text);
    EXPECT_EQ(std::string(text->begin(), text->end()), lte_profile.revision);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x25).find(0x11)->size(), 15u);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x20).find(0x01)->size(), 13u);
}

QmiMessage operating_mode(uint8_t client, uint8_t mode) {
    QmiMessage request = QmiBench::request(Service::dms, client, 0x2e);
    request.put_u8(0x01, mode);
    return request;
}

TEST(QmiDms, LowPowerHangsUp) {
    QmiBench bench;
    const uint8_t dms = bench.allocate(Service::dms), nas = bench.allocate(Service::nas),
                  wds = bench.wds_client(0x81, 4);
    bench.start(wds);
    bench.expect_status(wds, connected, 4);
    EXPECT_EQ(bench.error_of(operating_mode(dms, 1)), QmiError::none);
    bench.expect_status(wds, disconnected, 4);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x2d).find_u8(0x01), 1);
    EXPECT_EQ(bench.ask(Service::nas, nas, 0x24).find_u8(0x01), 0);
    const QmiMessage refused = bench.start(wds);
    EXPECT_EQ(refused.result(), QmiError::call_failed);
    EXPECT_TRUE(refused.find(0x10));
    EXPECT_EQ(refused.find(0x11)->size(), 4u);
    EXPECT_EQ(bench.error_of(operating_mode(dms, 0)), QmiError::none);
    EXPECT_EQ(bench.start(wds).result(), QmiError::none);
    bench.sent.clear();
    EXPECT_EQ(bench.error_of(operating_mode(dms, 77)), QmiError::invalid_argument);
}

TEST(QmiDms, ResetLosesEverything) {
    QmiBench bench;
    const uint8_t dms = bench.allocate(Service::dms), wda = bench.allocate(Service::wda);
    bench.ask(wda_request(wda, 2, 5));
    EXPECT_EQ(bench.error_of(operating_mode(dms, 4)), QmiError::none);
    EXPECT_EQ(bench.resets, 0u); // the answer goes out first
    bench.run_deferred();
    EXPECT_EQ(bench.resets, 1u);
    EXPECT_EQ(bench.server.client_count(), 0u);
    EXPECT_FALSE(bench.server.format().agreed);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x23).result(), QmiError::invalid_client_id);
}

TEST(QmiNas, Registration) {
    QmiBench lte, nr(nr_profile);
    const uint8_t lte_nas = lte.allocate(Service::nas), nr_nas = nr.allocate(Service::nas);
    QmiMessage serving = lte.ask(Service::nas, lte_nas, 0x24);
    EXPECT_EQ(serving.find(0x01)->back(), 8);
    EXPECT_EQ(serving.find_u16(0x12), 1);
    EXPECT_EQ(nr.ask(Service::nas, nr_nas, 0x24).find(0x01)->back(), 12);
    EXPECT_TRUE(lte.ask(Service::nas, lte_nas, 0x4d).find(0x19));
    EXPECT_TRUE(nr.ask(Service::nas, nr_nas, 0x4d).find(0x4b));
    EXPECT_EQ(lte.ask(Service::nas, lte_nas, 0x4f).find(0x14)->size(), 6u);
    EXPECT_EQ(nr.ask(Service::nas, nr_nas, 0x4f).find(0x17)->size(), 4u);
}

TEST(QmiUim, CardIsReady) {
    QmiBench bench;
    const uint8_t uim = bench.allocate(Service::uim);
    const QmiMessage response = bench.ask(Service::uim, uim, 0x2f);
    const auto status = response.find(0x10);
    ASSERT_TRUE(status && status->size() > 17);
    EXPECT_EQ((*status)[9], 1);  // card present
    EXPECT_EQ((*status)[16], 7); // application ready
}

TEST(QmiFaults, DelaySwallowRefuse) {
    QmiBench bench;
    const uint8_t dms = bench.allocate(Service::dms), wds = bench.wds_client(0x81, 4);
    QmiServer::Faults faults;
    faults.answer_delay = std::chrono::milliseconds(700);
    faults.swallow = [](const QmiMessage &m) { return m.id == 0x23; };
    faults.refuse = [](const QmiMessage &m) {
        return m.id == 0x25 ? QmiError::device_not_ready : QmiError::none;
    };
    bench.server.set_faults(faults);
    for (const uint16_t id : {0x23, 0x25, 0x2d})
        bench.server.receive(encode(QmiBench::request(Service::dms, dms, id)));
    bench.server.receive(encode(QmiBench::request(Service::wds, wds, 0x20)));
    EXPECT_TRUE(bench.sent.empty());
    ASSERT_FALSE(bench.deferred.empty());
    EXPECT_EQ(bench.deferred.front().first.count(), 700);
    bench.run_deferred();
    EXPECT_EQ(bench.next().result(), QmiError::device_not_ready);
    EXPECT_EQ(bench.next().id, 0x2d);
    EXPECT_EQ(bench.next().result(), QmiError::none); // start, and then its indication
    bench.expect_status(wds, connected, 4);
    EXPECT_TRUE(bench.sent.empty());
}

TEST(QmiFaults, ForcedLinkProtocol) {
    QmiBench bench;
    const uint8_t wda = bench.allocate(Service::wda);
    QmiServer::Faults faults;
    faults.force_link_protocol = true;
    faults.forced_link_protocol = LinkProtocol::ethernet_802_3;
    bench.server.set_faults(faults);
    EXPECT_EQ(bench.ask(wda_request(wda, 2, 0)).find_u32(0x11), 1u);
    EXPECT_EQ(bench.server.format().link_protocol, LinkProtocol::ethernet_802_3);
}

TEST(QmiFaults, BentAnswer) {
    QmiBench bench;
    const uint8_t wda = bench.allocate(Service::wda);
    QmiServer::Faults faults;
    faults.bend = [](const QmiMessage &request, QmiMessage &answer) {
        EXPECT_EQ(request.id, 0x20);
        EXPECT_EQ(answer.result(), QmiError::none);
        answer.tlvs.clear();
        answer.put_u32(0x12, 77);
    };
    bench.server.set_faults(faults);
    bench.server.receive(encode(wda_request(wda, 2, 5)));
    const QmiMessage answer = bench.next();
    EXPECT_EQ(answer.find_u32(0x12), 77u);
    EXPECT_FALSE(answer.result());
    EXPECT_EQ(bench.server.format().dl, Qmap::v1) << "what it does is something else";
}

TEST(QmiFaults, DelayedAnswersDieWithTheServer) {
    auto bench = std::make_unique<QmiBench>();
    QmiServer::Faults faults;
    faults.answer_delay = std::chrono::milliseconds(1);
    bench->server.set_faults(faults);
    bench->server.receive(encode(QmiBench::request(Service::ctl, 0, 0x21)));
    const auto deferred = std::move(bench->deferred);
    ASSERT_EQ(deferred.size(), 1u);
    bench.reset();
    deferred.front().second();
}

// The dialogue of a successful 'quectel-CM -n 2' on a module in QMAP mode.
TEST(QmiDialogue, QuectelCm) {
    QmiBench bench;
    EXPECT_EQ(bench.ask(Service::ctl, 0, 0x27).result(), QmiError::none);
    EXPECT_EQ(bench.ask(Service::ctl, 0, 0x21).result(), QmiError::none);
    const uint8_t wds = bench.allocate(Service::wds), dms = bench.allocate(Service::dms),
                  nas = bench.allocate(Service::nas), uim = bench.allocate(Service::uim),
                  wda = bench.allocate(Service::wda);
    EXPECT_EQ(bench.ask(Service::dms, dms, 0x23).result(), QmiError::none);
    EXPECT_EQ(bench.error_of(wda_request(wda, 5, 8, 4096)), QmiError::none);
    QmiMessage bind = QmiBench::request(Service::wds, wds, 0xa2);
    QmiBench::put_endpoint(bind, 0x10, 2, 4);
    bind.put_u8(0x11, 0x82);
    bind.put_u32(0x13, 1);
    EXPECT_EQ(bench.error_of(bind), QmiError::none);
    QmiMessage family = QmiBench::request(Service::wds, wds, 0x4d);
    family.put_u8(0x01, 4);
    EXPECT_EQ(bench.error_of(family), QmiError::none);
    QmiMessage autoconnect = QmiBench::request(Service::wds, wds, 0x51);
    autoconnect.put_u8(0x01, 0);
    EXPECT_EQ(bench.error_of(autoconnect), QmiError::none);
    EXPECT_EQ(bench.ask(Service::uim, uim, 0x2f).result(), QmiError::none);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x2a).result(), QmiError::none);
    EXPECT_EQ(bench.ask(Service::nas, nas, 0x4d).result(), QmiError::none);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).find_u8(0x01), disconnected);
    QmiMessage start = QmiBench::request(Service::wds, wds, 0x20);
    start.put_u8(0x19, 4);
    start.put_u8(0x31, 1);
    const uint32_t handle = bench.ask(start).find_u32(0x01).value_or(0);
    bench.expect_status(wds, connected, 4);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x2d).result(), QmiError::none);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x22).find_u8(0x01), connected);
    EXPECT_EQ(bench.ask(Service::wds, wds, 0x2d).find_u32(0x1e), addressing_of(2).ipv4_host);
    EXPECT_EQ(bench.stop(wds, handle), QmiError::none);
    bench.expect_status(wds, disconnected, 4);
    for (const auto &[service, id] :
         std::initializer_list<std::pair<Service, uint8_t>>{{Service::wds, wds},
                                                            {Service::dms, dms},
                                                            {Service::nas, nas},
                                                            {Service::uim, uim},
                                                            {Service::wda, wda}})
        EXPECT_EQ(bench.release(service, id), QmiError::none);
    EXPECT_EQ(bench.server.client_count(), 0u);
    EXPECT_EQ(bench.calls.size(), 2u);
}

} // namespace

} // namespace vmodem
