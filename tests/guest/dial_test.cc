// SPDX-License-Identifier: GPL-2.0
// What a user does: dial over /dev/cdc-wdm0, take the address that the network gives, talk. And
// what goes wrong then: hang-ups, answers that are late or never come, a module that resets or
// goes.
#include "../dialler/data_call.h"
#include "bench.h"

#include <cerrno>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <system_error>

namespace guest {
namespace {

using dialler::CdcWdm;
using dialler::DataCall;
using dialler::DriverFacts;
using dialler::QmiClient;
using dialler::QmiMessage;
using dialler::QmiTimeout;
using dialler::Service;
using vmodem::IpFamily;

constexpr uint64_t transfer_bytes = 2'000'000;
constexpr uint16_t dms_get_revision = 0x23, dms_set_operating_mode = 0x2e;
constexpr uint8_t mode_reset = 4;

// A dialling program: one QMI channel, any number of calls.
class Dialler {
  public:
    explicit Dialler(const std::string &master, std::chrono::milliseconds timeout = patience)
        : driver_(master), facts_(driver_.facts()), channel_(dialler::find_cdc_wdm(master)),
          qmi_(channel_, timeout), master_(master) {}

    const DriverFacts &facts() const { return facts_; }
    QmiClient &qmi() { return qmi_; }

    DataFormat agree() {
        qmi_.sync();
        const DataFormat format = dialler::agree_format(qmi_, facts_);
        dialler::apply_format(driver_, facts_, format);
        return format;
    }
    std::unique_ptr<DataCall> dial(unsigned pdn, IpFamily family) {
        const dialler::MuxNetdev *mux = facts_.mux_of(pdn);
        auto call = std::make_unique<DataCall>(qmi_, facts_, mux ? mux->mux_id : 0, family);
        driver_.set_up(master_, true);
        driver_.set_up(mux ? mux->name : master_, true);
        set_link(pdn, true);
        return call;
    }
    void set_link(unsigned pdn, bool up) { driver_.set_link_state(facts_, pdn, up); }

  private:
    dialler::Driver driver_;
    DriverFacts facts_;
    CdcWdm channel_;
    QmiClient qmi_;
    std::string master_;
};

void expect_ipv4(const Pdn &pdn) {
    ASSERT_TRUE(take_lease(pdn.netdev)) << pdn.netdev;
    EXPECT_TRUE(has_address(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2/30"))
        << output_of("ip addr show dev " + pdn.netdev);
    EXPECT_EQ(ping(pdn.ipv4()), "") << pdn.netdev;
}

// By router advertisement.
void expect_ipv6(const Pdn &pdn) {
    const std::string prefix =
        pdn.number ? "2001:db8:" + std::to_string(pdn.number) + ":" : "2001:db8::";
    EXPECT_TRUE(wait_until([&] { return has_address(pdn.netdev, prefix); }))
        << output_of("ip addr show dev " + pdn.netdev);
    EXPECT_EQ(ping(pdn.ipv6()), "") << pdn.netdev;
}

void expect_sound(Bench &bench) {
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    for (const Pdn &pdn : bench.pdns())
        EXPECT_EQ(bench.modem().peer(bench.mode() ? pdn.mux_id : 0).bad_packets, 0u);
}

class Dial : public testing::TestWithParam<Setup> {};

TEST_P(Dial, AddressesAndTraffic) {
    const unsigned mode = GetParam().mode;
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Bench bench(GetParam());
    // On the PDNs with odd numbers IPv6 as well.
    for (const Pdn &pdn : bench.pdns()) // the kernel makes its addresses without delay
        write_file("/proc/sys/net/ipv6/conf/" + pdn.netdev + "/accept_dad", "0");
    Dialler dialler(bench.master());
    EXPECT_EQ(dialler.facts().qmap_mode, mode);
    EXPECT_EQ(dialler.facts().from_ioctl, mode > 0);
    const DataFormat format = dialler.agree();
    EXPECT_EQ(format.link_protocol, vmodem::LinkProtocol::raw_ip);
    EXPECT_EQ(format.dl, mode ? bench.modem().profile().qmap : vmodem::Qmap::off);
    EXPECT_LE(format.dl_max_size, dialler.facts().rx_urb_size);

    std::vector<std::unique_ptr<DataCall>> calls;
    for (const Pdn &pdn : bench.pdns()) {
        calls.push_back(dialler.dial(pdn.number, IpFamily::v4));
        if (pdn.number % 2)
            calls.push_back(dialler.dial(pdn.number, IpFamily::v6));
        EXPECT_TRUE(carrier(pdn.netdev));
    }
    for (Pdn pdn : bench.pdns()) {
        const bool ipv6 = pdn.number % 2;
        if (!mode)
            pdn.number = 0; // addresses of a call that is not bound to a mux
        expect_ipv4(pdn);
        if (ipv6)
            expect_ipv6(pdn);
    }
    std::vector<std::future<std::string>> transfers;
    for (const Pdn &pdn : {bench.pdns().front(), bench.pdns().back()}) {
        transfers.push_back(std::async(std::launch::async, tcp_download, pdn.ipv4(), transfer_bytes,
                                       10 * patience));
        transfers.push_back(
            std::async(std::launch::async, tcp_upload, pdn.ipv4(), transfer_bytes, 10 * patience));
    }
    for (auto &transfer : transfers)
        EXPECT_EQ(transfer.get(), "");
    if (mode) {
        EXPECT_GT(bench.modem().uplink().max_datagrams, 1u);
    }
    expect_sound(bench);

    // After the hang-up nothing goes through.
    calls.clear();
    for (const Pdn &pdn : bench.pdns())
        EXPECT_NE(ping(pdn.ipv4(), 56, 200ms), "") << pdn.netdev;
}

INSTANTIATE_TEST_SUITE_P(Modes, Dial,
                         testing::Values(Setup{"ec25", 0}, Setup{"ec25", 1}, Setup{"ec25", 4},
                                         Setup{"rm500q", 4}),
                         name_of);

TEST(DialFaults, TheNetworkHangsUpAndIsDialledAgain) {
    LoadedDriver driver("qmap_mode=2");
    Bench bench("ec25", 2);
    Dialler dialler(bench.master());
    dialler.agree();
    const Pdn &stays = bench.pdn(1), &goes = bench.pdn(2);
    auto first = dialler.dial(1, IpFamily::v4);
    auto second = dialler.dial(2, IpFamily::v4);
    expect_ipv4(stays);
    expect_ipv4(goes);

    bench.modem().drop_call(goes.mux_id);
    EXPECT_EQ(second->wait_status(patience), false);
    EXPECT_FALSE(second->connected());
    dialler.set_link(2, false);
    EXPECT_FALSE(carrier(goes.netdev));
    EXPECT_TRUE(carrier(bench.master()));
    EXPECT_TRUE(first->connected());
    EXPECT_EQ(ping(stays.ipv4()), "");
    EXPECT_NE(ping(goes.ipv4(), 56, 200ms), "");

    second.reset();
    second = dialler.dial(2, IpFamily::v4);
    EXPECT_TRUE(carrier(goes.netdev));
    expect_ipv4(goes);
    EXPECT_EQ(tcp_download(goes.ipv4(), 200'000), "");
    EXPECT_EQ(tcp_upload(goes.ipv4(), 200'000), "");
    expect_sound(bench);
}

// Not the whole of the dialler's patience: the host says at once that the module is gone.
TEST(DialFaults, PulledOutInTheMiddleOfATransaction) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    Dialler dialler(bench.master(), 10 * patience);
    dialler.agree();
    const auto dms = dialler.qmi().allocate(Service::dms);
    std::promise<void> asked;
    vmodem::QmiServer::Faults deaf;
    deaf.swallow = [&](const QmiMessage &) {
        asked.set_value();
        return true;
    };
    bench.modem().set_qmi_faults(deaf);
    auto answer = std::async(std::launch::async, [&] {
        dialler.qmi().transact(QmiClient::request(dms, dms_get_revision));
    });
    ASSERT_EQ(asked.get_future().wait_for(patience), std::future_status::ready);
    const auto pulled = std::chrono::steady_clock::now();
    bench.modem().unplug();
    EXPECT_THROW(answer.get(), std::system_error);
    EXPECT_LT(std::chrono::steady_clock::now() - pulled, patience);
    EXPECT_FALSE(exists(bench.master()));
}

TEST(DialFaults, LateAndMissingAnswers) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    Dialler dialler(bench.master(), 2s);
    dialler.agree();
    const auto dms = dialler.qmi().allocate(Service::dms);
    const QmiMessage request = QmiClient::request(dms, dms_get_revision);

    vmodem::QmiServer::Faults late;
    late.answer_delay = 500ms;
    bench.modem().set_qmi_faults(late);
    EXPECT_EQ(dialler.qmi().transact(request).result(), dialler::QmiError::none);

    late.answer_delay = 3s; // comes when it is no longer waited for
    bench.modem().set_qmi_faults(late);
    EXPECT_THROW(dialler.qmi().transact(request), QmiTimeout);

    vmodem::QmiServer::Faults deaf;
    deaf.swallow = [](const QmiMessage &) { return true; };
    bench.modem().set_qmi_faults(deaf);
    EXPECT_THROW(dialler.qmi().transact(request), QmiTimeout);

    bench.modem().set_qmi_faults({});
    EXPECT_EQ(dialler.qmi().transact(request).result(), dialler::QmiError::none);
    const auto call = dialler.dial(1, IpFamily::v4);
    expect_ipv4(bench.pdn(1));
    expect_sound(bench);
}

TEST(DialFaults, AResetModuleComesBackAndWorks) {
    LoadedDriver driver("qmap_mode=2");
    Bench bench("rm500q", 2);
    for (int round = 0; round < 2; round++) {
        const std::string before = attribute(bench.master(), "ifindex");
        {
            Dialler dialler(bench.master());
            dialler.agree();
            const auto call = dialler.dial(2, IpFamily::v4);
            expect_ipv4(bench.pdn(2));
            EXPECT_EQ(tcp_upload(bench.pdn(2).ipv4(), 200'000), "");
            expect_sound(bench);

            QmiMessage reset =
                QmiClient::request(dialler.qmi().allocate(Service::dms), dms_set_operating_mode);
            reset.put_u8(0x01, mode_reset);
            try {
                dialler.qmi().transact(reset);
            } catch (const std::system_error &) {
                // Gone before its answer was fetched.
            }
            ASSERT_TRUE(wait_until([&] { return !exists(bench.master()); }));
        }
        ASSERT_TRUE(wait_until([&] {
            return exists(bench.pdn(2).netdev) && attribute(bench.master(), "ifindex") != before;
        }));
        EXPECT_EQ(attribute(bench.master(), "link_state"), "0x0");
    }
}

} // namespace
} // namespace guest
