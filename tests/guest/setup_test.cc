// SPDX-License-Identifier: GPL-2.0
// qmapctl setup and wda: program, libqmi, its proxy, cdc-wdm, driver and module together.
#include "../dialler/data_call.h"
#include "bench.h"
#include "qmapctl.h"
#include "stress.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <future>
#include <gtest/gtest.h>

namespace guest {
namespace {

using dialler::DataCall;
using vmodem::IpFamily;
using vmodem::Qmap;
using vmodem::QmiError;
using vmodem::QmiMessage;
using vmodem::QmiServer;
using vmodem::Service;

constexpr uint16_t allocate_client = 0x22, release_client = 0x23; // CTL
constexpr uint16_t set_data_format = 0x20;                        // WDA

bool is_set(const QmiMessage &message) {
    return message.service == Service::wda && message.id == set_data_format;
}

// Counts what comes in, and keeps what is asked for.
class Watched {
  public:
    explicit Watched(Bench &bench, QmiServer::Faults faults = {}) : bench_(bench) {
        set_faults(std::move(faults));
    }
    void set_faults(QmiServer::Faults faults) {
        const auto refuse = faults.refuse;
        faults.refuse = [this, refuse](const QmiMessage &request) {
            if (request.service == Service::ctl && request.id == allocate_client)
                clients_++;
            if (request.service == Service::ctl && request.id == release_client)
                clients_--;
            if (is_set(request))
                sets_++;
            return refuse ? refuse(request) : QmiError::none;
        };
        bench_.modem().set_qmi_faults(faults);
    }
    // Clients that were not given back.
    int clients() const { return clients_; }
    int sets() const { return sets_; }

  private:
    Bench &bench_;
    std::atomic<int> clients_ = 0, sets_ = 0;
};

std::string control_of(const Bench &bench) {
    return dialler::find_cdc_wdm(bench.master());
}

// Makes a call on that PDN and has traffic on it. What setup agreed on is all that the driver
// knows.
void expect_call(Bench &bench, const Pdn &pdn) {
    const std::string control = control_of(bench);
    ASSERT_TRUE(wait_until([&] { return !is_open_somewhere(control); }));
    const dialler::Driver driver(bench.master());
    const dialler::DriverFacts facts = driver.facts();
    dialler::CdcWdm channel(control);
    dialler::QmiClient qmi(channel);
    DataCall call(qmi, facts, bench.mode() ? pdn.mux_id : 0, IpFamily::v4);
    driver.set_up(bench.master(), true);
    driver.set_up(pdn.netdev, true);
    driver.set_link_state(facts, pdn.number, true);
    ASSERT_TRUE(take_lease(pdn.netdev)) << pdn.netdev;
    Pdn peer = pdn;
    if (!bench.mode())
        peer.number = 0; // addresses of a call that is not bound to a mux
    EXPECT_EQ(ping(peer.ipv4()), "");
    EXPECT_EQ(tcp_download(peer.ipv4(), 1'000'000), "");
    EXPECT_EQ(tcp_upload(peer.ipv4(), 1'000'000), "");
}

struct Case {
    const char *profile;
    unsigned parameter, mode;
    const char *lines;
};

class Setup : public testing::TestWithParam<Case> {};

TEST_P(Setup, ThenACall) {
    const auto &[profile, parameter, mode, lines] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(parameter));
    Bench bench(profile, mode);
    const Watched watched(bench);
    const Ran first = qmapctl("setup");
    ASSERT_EQ(first.status, 0) << first;
    EXPECT_EQ(first.err, "");
    // A module that has raw IP by itself is in agreement with mode 0 as it is.
    const int sets = mode ? 1 : 0;
    EXPECT_TRUE(first.printed(mode ? "have agreed" : "agree already")) << first;
    EXPECT_TRUE(first.printed(lines)) << first;
    EXPECT_EQ(watched.sets(), sets);
    EXPECT_EQ(watched.clients(), 0);
    const DataFormat format = bench.modem().format();
    EXPECT_EQ(format.agreed, sets > 0);
    EXPECT_EQ(format.link_protocol, vmodem::LinkProtocol::raw_ip);
    EXPECT_EQ(format.dl, mode ? bench.modem().profile().qmap : Qmap::off);
    EXPECT_EQ(format.ul, format.dl);

    const Ran second = qmapctl("setup " + bench.master());
    ASSERT_EQ(second.status, 0) << second;
    EXPECT_TRUE(second.printed("agree already; nothing was sent")) << second;
    EXPECT_TRUE(second.printed(lines)) << second;
    EXPECT_EQ(watched.sets(), sets);
    EXPECT_EQ(watched.clients(), 0);

    const Ran get = qmapctl("wda get");
    ASSERT_EQ(get.status, 0) << get;
    EXPECT_FALSE(get.printed("!")) << get;

    expect_call(bench, bench.pdns().back());
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    if (mode) {
        EXPECT_GT(up.max_datagrams, 1u);
        EXPECT_LE(up.max_datagrams, format.ul_max_datagrams);
        EXPECT_LE(up.max_transfer, format.ul_max_size);
    } else {
        EXPECT_EQ(up.max_datagrams, 1u);
    }
}

constexpr const char *raw_ip_lines = "link_prot 2\n"
                                     "ul_data_aggregation_protocol 0\n"
                                     "dl_data_aggregation_protocol 0\n";
constexpr const char *ec25_lines = "link_prot 2\n"
                                   "ul_data_aggregation_protocol 5\n"
                                   "dl_data_aggregation_protocol 5\n"
                                   "dl_data_aggregation_max_datagrams 8\n"
                                   "dl_data_aggregation_max_size 4096\n"
                                   "ul_data_aggregation_max_datagrams 11\n"
                                   "ul_data_aggregation_max_size 4096\n"
                                   "rx_urb_size 4096";
constexpr const char *rm500q_lines = "link_prot 2\n"
                                     "ul_data_aggregation_protocol 9\n"
                                     "dl_data_aggregation_protocol 9\n"
                                     "dl_data_aggregation_max_datagrams 62\n"
                                     "dl_data_aggregation_max_size 31744\n"
                                     "ul_data_aggregation_max_datagrams 11\n"
                                     "ul_data_aggregation_max_size 8192\n"
                                     "rx_urb_size 31744";

INSTANTIATE_TEST_SUITE_P(
    Modes, Setup,
    testing::Values(Case{"ec25", 0, 0, raw_ip_lines}, Case{"ec25", 1, 1, ec25_lines},
                    Case{"ec25", 4, 4, ec25_lines}, Case{"rm500q", 0, 1, rm500q_lines},
                    Case{"rm500q", 4, 4, rm500q_lines}),
    [](const auto &info) {
        return std::string(info.param.profile) + "_mode" + std::to_string(info.param.parameter);
    });

TEST(SetupAgain, AfterTheModuleCameBack) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    ASSERT_EQ(qmapctl("setup").status, 0);
    bench.modem().reenumerate();
    ASSERT_TRUE(wait_until([&] { return !control_of(bench).empty() && exists(bench.master()); }));
    EXPECT_FALSE(bench.modem().format().agreed);
    const Ran ran = qmapctl("setup");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_TRUE(ran.printed("have agreed")) << ran;
    EXPECT_TRUE(bench.modem().format().agreed);
}

TEST(Wda, GetAndSet) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("rm500q", 1);
    const Watched watched(bench);
    Ran ran = qmapctl("setup");
    ASSERT_EQ(ran.status, 0) << ran;

    ran = qmapctl("wda set --ul-max-datagrams 5 --dl-max-size 16384 --dl-min-padding 8");
    ASSERT_EQ(ran.status, 0) << ran;
    DataFormat format = bench.modem().format();
    EXPECT_EQ(format.ul_max_datagrams, 5u);
    EXPECT_EQ(format.dl_max_size, 16384u);
    EXPECT_EQ(format.dl_minimum_padding, 8u);
    EXPECT_EQ(format.ul_max_size, 8192u);
    EXPECT_EQ(format.dl, Qmap::v5);
    qmi_wwan_q_info info{};
    ASSERT_EQ(bench.get_info(info), 0);
    EXPECT_EQ(info.dl_minimum_padding, 8u);
    ran = qmapctl("wda get --json");
    ASSERT_EQ(ran.status, 0) << ran;
    for (const char *part : {"\"ul_max_datagrams\": 5", "\"dl_max_size\": 16384",
                             "\"dl_aggregation\": \"qmapv5\"", "\"mismatches\": []"})
        EXPECT_TRUE(ran.printed(part)) << part << ran;

    // Version 1, both sides.
    ran = qmapctl("wda set --ul-aggregation qmap --dl-aggregation qmap --dl-min-padding 0");
    ASSERT_EQ(ran.status, 0) << ran;
    EXPECT_EQ(bench.modem().format().dl, Qmap::v1);
    ASSERT_EQ(bench.get_info(info), 0);
    EXPECT_EQ(info.qmap_version, 5u);
    expect_call(bench, bench.pdn(1));
    EXPECT_LE(bench.modem().uplink().max_datagrams, 5u);
    EXPECT_EQ(bench.modem().uplink().violations, 0u) << bench.modem().uplink().first_violation;

    // What another program has told the driver shows.
    ASSERT_EQ(bench.set_format({32, 0, 2, 4, 0x81, 11, 8192, 0}), 0);
    ran = qmapctl("wda get");
    EXPECT_TRUE(ran.printed("the driver sends more packets at once than the module takes")) << ran;
    EXPECT_TRUE(ran.printed("Remedy: qmapctl setup " + bench.master())) << ran;
    EXPECT_EQ(watched.clients(), 0);
}

TEST(Wda, DryRunsChangeNothing) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    const Watched watched(bench);
    Ran ran = qmapctl("setup --dry-run");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_TRUE(ran.printed("would ask")) << ran;
    ran = qmapctl("wda set --ul-aggregation qmap --dl-aggregation qmap --dry-run");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_EQ(watched.sets(), 0);
    EXPECT_EQ(watched.clients(), 0);
}

// Without the proxy the node is opened alone, and that is said. A proxy that ends unlinks what is
// called "qmi-proxy" in its working directory, /tmp; hence the other name.
TEST(Wda, WithoutTheProxy) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    const Watched watched(bench);
    run("killall qmi-proxy 2>/dev/null");
    ASSERT_TRUE(wait_until([] { return run("killall -0 qmi-proxy 2>/dev/null") != 0; }));
    const std::string proxy = "/usr/libexec/qmi-proxy", aside = proxy + ".aside";
    ASSERT_EQ(std::rename(proxy.c_str(), aside.c_str()), 0);
    const Ran ran = qmapctl("setup");
    ASSERT_EQ(std::rename(aside.c_str(), proxy.c_str()), 0);
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_TRUE(ran.said("qmi-proxy")) << ran;
    EXPECT_TRUE(ran.said("going on without")) << ran;
    EXPECT_TRUE(bench.modem().format().agreed);
    EXPECT_EQ(watched.clients(), 0);
}

class SetupFaults : public testing::Test {
  protected:
    LoadedDriver driver{"qmap_mode=1"};
    Bench bench{"ec25", 1};
    Watched watched{bench};
    const DataFormat before = bench.modem().format();

    void expect_unchanged() {
        const DataFormat now = bench.modem().format();
        EXPECT_EQ(now.link_protocol, before.link_protocol);
        EXPECT_EQ(now.ul, before.ul);
        EXPECT_EQ(now.dl, before.dl);
        EXPECT_EQ(watched.clients(), 0);
    }
    void expect_agreement() {
        EXPECT_TRUE(bench.modem().format().agreed);
        const Ran again = qmapctl("setup");
        EXPECT_TRUE(again.printed("agree already; nothing was sent")) << again;
    }
    // The next answer to a request to set is this; what is asked later is done.
    void bend_once(std::function<void(QmiMessage &)> put) {
        QmiServer::Faults faults;
        const auto bent = std::make_shared<bool>(false);
        faults.bend = [bent, put](const QmiMessage &request, QmiMessage &answer) {
            if (!is_set(request) || std::exchange(*bent, true))
                return;
            answer.tlvs.clear();
            put(answer);
        };
        watched.set_faults(faults);
    }
};

TEST_F(SetupFaults, ASilentModule) {
    QmiServer::Faults faults;
    faults.swallow = [](const QmiMessage &) { return true; };
    watched.set_faults(faults);
    const auto start = std::chrono::steady_clock::now();
    Ran ran = qmapctl("setup --timeout 3");
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said("no answer")) << ran;
    EXPECT_TRUE(ran.said("within 3 s")) << ran;
    EXPECT_TRUE(ran.said(control_of(bench))) << ran;
    EXPECT_TRUE(ran.said("--timeout")) << ran;
    EXPECT_GE(took, 3s);
    EXPECT_LT(took, 9s);

    watched.set_faults({});
    ran = qmapctl("setup");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_EQ(watched.clients(), 0);
}

TEST_F(SetupFaults, ASlowModule) {
    QmiServer::Faults faults;
    faults.answer_delay = 1s;
    watched.set_faults(faults);
    const Ran ran = qmapctl("setup");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_TRUE(bench.modem().format().agreed);
    EXPECT_EQ(watched.clients(), 0);
}

TEST_F(SetupFaults, SilentFromTheMiddleOn) {
    QmiServer::Faults faults;
    faults.swallow = is_set;
    watched.set_faults(faults);
    const Ran ran = qmapctl("setup --timeout 3");
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said("no answer to WDA Set Data Format within 3 s")) << ran;
    EXPECT_TRUE(ran.said("the module has not taken it: nothing was changed")) << ran;
    expect_unchanged();
}

TEST_F(SetupFaults, TheAnswerIsLost) {
    QmiServer::Faults faults;
    faults.bend = [](const QmiMessage &request, QmiMessage &answer) {
        if (is_set(request))
            answer.transaction ^= 0x4000; // nobody has asked that
    };
    watched.set_faults(faults);
    const Ran ran = qmapctl("setup --timeout 3");
    EXPECT_EQ(ran.status, 0) << ran;
    expect_agreement();
    EXPECT_EQ(watched.clients(), 0);
}

// It takes its time to come, but does not wait until the program's QMI client is released.
TEST_F(SetupFaults, ASignalWhileTheModuleChanges) {
    for (const int number : {SIGINT, SIGTERM}) {
        std::promise<void> changed;
        QmiServer::Faults faults;
        faults.answer_delay = 500ms;
        faults.bend = [&](const QmiMessage &request, QmiMessage &) {
            if (is_set(request))
                changed.set_value();
        };
        watched.set_faults(faults);
        Running running("setup");
        ASSERT_EQ(changed.get_future().wait_for(20s), std::future_status::ready);
        running.send_signal(number);
        const Ran ran = running.finish();
        EXPECT_EQ(ran.status, 128 + number) << ran;
        watched.set_faults({});
        expect_agreement();
        ASSERT_EQ(usb_reset(bench.modem().usb_name()), 0); // the driver forgets
    }
}

TEST_F(SetupFaults, RefusedByTheModule) {
    QmiServer::Faults faults;
    faults.refuse = [](const QmiMessage &request) {
        return is_set(request) ? QmiError::no_memory : QmiError::none;
    };
    watched.set_faults(faults);
    const Ran ran = qmapctl("setup");
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said("refuses WDA Set Data Format: NoMemory (2)")) << ran;
    EXPECT_TRUE(ran.said("nothing was changed")) << ran;
    expect_unchanged();
}

TEST_F(SetupFaults, NoClientLeft) {
    QmiServer::Faults faults;
    faults.refuse = [](const QmiMessage &request) {
        return request.service == Service::ctl && request.id == allocate_client
                   ? QmiError::client_ids_exhausted
                   : QmiError::none;
    };
    watched.set_faults(faults);
    const Ran ran = qmapctl("wda get");
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said("ClientIdsExhausted (5)")) << ran;
}

TEST_F(SetupFaults, RefusedByTheDriver) {
    ASSERT_EQ(set_mtu(bench.master(), 9000), 0); // an UL transfer holds 4096 bytes
    const Ran ran = qmapctl("setup");
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said(bench.master())) << ran;
    EXPECT_TRUE(ran.said("MTU")) << ran;
    EXPECT_TRUE(ran.said("the module was set back to what it had")) << ran;
    EXPECT_EQ(watched.sets(), 2);
    expect_unchanged();

    ASSERT_EQ(set_mtu(bench.master(), 1500), 0);
    EXPECT_EQ(qmapctl("setup").status, 0);
}

TEST_F(SetupFaults, UselessAnswers) {
    struct {
        std::function<void(QmiMessage &)> put;
        const char *reason;
    } const answers[] = {
        {[](QmiMessage &answer) { answer.put_u32(0x13, 0); }, "aggregation is off"},
        {[](QmiMessage &answer) { answer.put_u32(0x12, 0xffffffff); }, "4294967295"},
        {[](QmiMessage &answer) { answer.put_u32(0x16, 0xffffffff); }, "4294967295"},
        {[](QmiMessage &answer) { answer.put_u32(0x1a, 300); }, "300"},
        {[](QmiMessage &answer) { answer.put_u32(0x11, 1); }, "802.3"},
        {[](QmiMessage &answer) { answer.put_u8(0x10, 1); }, "QoS"},
    };
    for (const auto &[put, reason] : answers) {
        bend_once([put = put](QmiMessage &answer) {
            answer.put_result(QmiError::none);
            put(answer);
        });
        const Ran ran = qmapctl("setup");
        EXPECT_EQ(ran.status, 1) << ran;
        EXPECT_TRUE(ran.said(reason)) << reason << ": " << ran;
        EXPECT_TRUE(ran.said("the module was set back to what it had")) << ran;
        expect_unchanged();
    }
}

TEST_F(SetupFaults, AnswersWithHardlyAnything) {
    // As if it were not there: the driver is told what was asked, and UL is not aggregated.
    bend_once([](QmiMessage &answer) {
        answer.put_result(QmiError::none);
        answer.put_u16(0x12, 0);
        answer.put(0x16, {});
    });
    Ran ran = qmapctl("setup --json");
    EXPECT_EQ(ran.status, 0) << ran;
    EXPECT_TRUE(ran.printed("\"ul_max_datagrams\": 1")) << ran;

    bend_once([](QmiMessage &) {});
    ran = qmapctl("wda set --ul-max-datagrams 2");
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_TRUE(ran.said("has no result")) << ran;
    EXPECT_EQ(watched.clients(), 0);
}

TEST_F(SetupFaults, PulledOutInTheMiddle) {
    std::promise<void> asked;
    QmiServer::Faults faults;
    faults.swallow = [&](const QmiMessage &request) {
        if (is_set(request))
            asked.set_value();
        return is_set(request);
    };
    watched.set_faults(faults);
    auto ran = std::async(std::launch::async, [] { return qmapctl("setup --timeout 60"); });
    ASSERT_EQ(asked.get_future().wait_for(20s), std::future_status::ready);
    const auto pulled = std::chrono::steady_clock::now();
    bench.modem().unplug();
    const Ran result = ran.get();
    EXPECT_EQ(result.status, 1) << result;
    EXPECT_TRUE(result.said("went away during WDA Set Data Format")) << result;
    EXPECT_LT(std::chrono::steady_clock::now() - pulled, 10s);
    EXPECT_EQ(qmapctl("setup").status, 1);
}

} // namespace
} // namespace guest
