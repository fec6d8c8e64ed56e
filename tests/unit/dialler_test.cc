// SPDX-License-Identifier: GPL-2.0
#include "../dialler/data_call.h"
#include "qmi_bench.h"

#include <algorithm>
#include <thread>

namespace dialler {

namespace {

using vmodem::QmiBench;
using namespace std::chrono_literals;

// A module at the other end of a function call.
class BenchChannel : public QmiChannel {
  public:
    explicit BenchChannel(QmiBench &bench) : bench_(bench) {}

    void write(ByteView frame) override {
        requests.push_back(vmodem::decode(frame).value_or(QmiMessage{}));
        bench_.server.receive(frame);
    }
    std::optional<Bytes> read(std::chrono::milliseconds timeout) override {
        if (bench_.sent.empty()) {
            std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(timeout, 1ms));
            return std::nullopt;
        }
        Bytes frame = std::move(bench_.sent.front());
        bench_.sent.pop_front();
        return frame;
    }

    std::vector<QmiMessage> requests;

  private:
    QmiBench &bench_;
};

DriverFacts qmap_facts(uint32_t version, uint32_t rx_urb_size) {
    DriverFacts facts;
    facts.rx_urb_size = rx_urb_size;
    facts.qmap_mode = 2;
    facts.qmap_version = version;
    facts.muxes = {{"wwan0_1", 0x81}, {"wwan0_2", 0x82}};
    return facts;
}

TEST(TakeQmuxFrame, SplitsWhatHasPiledUp) {
    const Bytes one = vmodem::encode(QmiBench::request(Service::wds, 17, 0x22));
    Bytes two = vmodem::encode(QmiBench::request(Service::ctl, 0, 0x27));
    Bytes buffer = one;
    buffer.insert(buffer.end(), two.begin(), two.end());
    buffer.push_back(0x01); // the beginning of another
    EXPECT_EQ(take_qmux_frame(buffer), one);
    EXPECT_EQ(take_qmux_frame(buffer), two);
    EXPECT_FALSE(take_qmux_frame(buffer));
    EXPECT_TRUE(buffer.empty());
}

TEST(TakeQmuxFrame, DropsRubbish) {
    for (const Bytes &rubbish : {Bytes{}, Bytes{1}, Bytes{1, 0, 0}, Bytes{2, 2, 0}, Bytes{1, 1, 0},
                                 Bytes{1, 9, 0, 0}, Bytes{1, 0xff, 0xff}}) {
        Bytes buffer = rubbish;
        EXPECT_FALSE(take_qmux_frame(buffer));
        EXPECT_TRUE(buffer.empty());
    }
}

TEST(QmiClient, ReleasesWhatIsLeft) {
    QmiBench bench;
    BenchChannel channel(bench);
    {
        QmiClient qmi(channel);
        qmi.sync();
        const ClientId dms = qmi.allocate(Service::dms);
        qmi.allocate(Service::nas);
        EXPECT_EQ(bench.server.client_count(), 2u);
        EXPECT_EQ(qmi.transact(QmiClient::request(dms, 0x23)).result(), QmiError::none);
        qmi.release(dms);
        EXPECT_EQ(bench.server.client_count(), 1u);
        EXPECT_THROW(qmi.require(QmiClient::request(dms, 0x23), "revision"), QmiRefused);
    }
    EXPECT_EQ(bench.server.client_count(), 0u);
}

TEST(QmiClient, TimesOut) {
    QmiBench bench;
    BenchChannel channel(bench);
    QmiClient qmi(channel, 20ms);
    vmodem::QmiServer::Faults faults;
    faults.swallow = [](const QmiMessage &) { return true; };
    bench.server.set_faults(faults);
    EXPECT_THROW(qmi.sync(), QmiTimeout);
    bench.server.set_faults({});
    qmi.sync();
}

// An answer that comes after its time-out must not pass for that of the next request.
TEST(QmiClient, LateAnswerIsDropped) {
    QmiBench bench;
    BenchChannel channel(bench);
    QmiClient qmi(channel, 20ms);
    const ClientId dms = qmi.allocate(Service::dms);
    vmodem::QmiServer::Faults faults;
    faults.answer_delay = 1s;
    bench.server.set_faults(faults);
    EXPECT_THROW(qmi.transact(QmiClient::request(dms, 0x23)), QmiTimeout);
    bench.server.set_faults({});
    bench.run_deferred();
    EXPECT_EQ(bench.sent.size(), 1u);
    const QmiMessage response = qmi.transact(QmiClient::request(dms, 0x23));
    EXPECT_EQ(response.transaction, channel.requests.back().transaction);
}

TEST(Dialler, AsksForTheFormatAsQuectelCmDoes) {
    QmiBench bench(vmodem::nr_profile);
    BenchChannel channel(bench);
    QmiClient qmi(channel);
    const DataFormat format = agree_format(qmi, qmap_facts(9, 31744));
    const auto asked = std::find_if(channel.requests.begin(), channel.requests.end(),
                                    [](const QmiMessage &m) { return m.service == Service::wda; });
    ASSERT_NE(asked, channel.requests.end());
    EXPECT_EQ(asked->find_u8(0x10), 0);
    EXPECT_EQ(asked->find_u32(0x11), 2u);
    EXPECT_EQ(asked->find_u32(0x12), 9u);
    EXPECT_EQ(asked->find_u32(0x13), 9u);
    EXPECT_EQ(asked->find_u32(0x15), 62u);
    EXPECT_EQ(asked->find_u32(0x16), 31744u);
    EXPECT_EQ(asked->find(0x17)->size(), 8u);
    EXPECT_EQ(asked->find_u32(0x19), 0u);
    EXPECT_EQ(asked->find_u32(0x1b), 11u);
    EXPECT_EQ(asked->find_u32(0x1c), 8192u);
    EXPECT_EQ(format.dl, vmodem::Qmap::v5);
    EXPECT_EQ(format.dl_max_size, 31744u);
    EXPECT_EQ(format.ul_max_datagrams, 11u);
    EXPECT_EQ(format.ul_max_size, 8192u);
    EXPECT_EQ(bench.server.client_count(), 0u);
}

TEST(Dialler, AsksForRawIpWithoutQmap) {
    QmiBench bench;
    BenchChannel channel(bench);
    QmiClient qmi(channel);
    DriverFacts facts;
    EXPECT_EQ(agree_format(qmi, facts).link_protocol, vmodem::LinkProtocol::raw_ip);
    facts.raw_ip = false;
    EXPECT_EQ(agree_format(qmi, facts).link_protocol, vmodem::LinkProtocol::ethernet_802_3);
    EXPECT_EQ(bench.server.format().dl, vmodem::Qmap::off);
}

TEST(Dialler, CallsOfBothFamilies) {
    QmiBench bench;
    BenchChannel channel(bench);
    QmiClient qmi(channel);
    const DriverFacts facts = qmap_facts(5, 4096);
    {
        DataCall v4(qmi, facts, 0x82, IpFamily::v4), v6(qmi, facts, 0x82, IpFamily::v6);
        EXPECT_NE(v4.handle(), v6.handle());
        EXPECT_TRUE(v4.connected());
        EXPECT_TRUE(v6.connected());
        const PdnAddressing pdn = vmodem::addressing_of(2);
        EXPECT_EQ(v4.settings().ipv4_host, pdn.ipv4_host);
        EXPECT_EQ(v4.settings().ipv4_netmask, pdn.ipv4_netmask);
        EXPECT_EQ(v6.settings().ipv6_host, pdn.ipv6_host);
        EXPECT_EQ(v6.settings().ipv6_prefix_length, 64);
        EXPECT_EQ(v6.settings().mtu, 1500u);
        EXPECT_FALSE(v4.wait_status(0ms));

        bench.server.drop_call(0x82);
        EXPECT_EQ(v4.wait_status(10ms), false);
        EXPECT_EQ(v6.wait_status(10ms), false);
        EXPECT_FALSE(v4.connected());
    }
    EXPECT_EQ(bench.server.client_count(), 0u);
    EXPECT_EQ(bench.calls.size(), 4u);
}

TEST(Dialler, RefusedCallLeavesNothingBehind) {
    QmiBench bench;
    BenchChannel channel(bench);
    QmiClient qmi(channel);
    vmodem::QmiServer::Faults faults;
    faults.refuse = [](const QmiMessage &m) {
        return m.service == Service::wds && m.id == 0x20 ? QmiError::call_failed : QmiError::none;
    };
    bench.server.set_faults(faults);
    try {
        DataCall call(qmi, qmap_facts(5, 4096), 0x81, IpFamily::v4);
        FAIL() << "the call came up";
    } catch (const QmiRefused &refused) {
        EXPECT_EQ(refused.error, QmiError::call_failed);
    }
    EXPECT_EQ(bench.server.client_count(), 0u);
    EXPECT_TRUE(bench.calls.empty());
}

TEST(Dialler, FindsTheNetdevOfAPdn) {
    const DriverFacts facts = qmap_facts(5, 4096);
    ASSERT_TRUE(facts.mux_of(2));
    EXPECT_EQ(facts.mux_of(2)->name, "wwan0_2");
    EXPECT_FALSE(facts.mux_of(3));
}

} // namespace

} // namespace dialler
