// SPDX-License-Identifier: GPL-2.0
// What a module is asked for, and what its answers come to.
#include "bench.h"
#include "negotiation.h"

#include <cerrno>
#include <csignal>
#include <gtest/gtest.h>

namespace {

constexpr uint32_t off = 0, v1 = 5, v5 = 9;

Module in_mode(Module module, uint32_t mode) {
    module.q->mode = mode;
    if (mode == 0) {
        module.q->format = {.link_protocol = LinkProtocol::raw_ip};
        module.q->format.rx_urb_size = 1520;
    }
    return module;
}

Module uc20() {
    Module module = in_mode(ec25(), 0);
    module.q->family = "802.3";
    module.q->format.link_protocol = LinkProtocol::ethernet;
    return module;
}

Module in_tree() {
    Module module = ec25();
    module.driver = "qmi_wwan";
    module.q.reset();
    module.files.raw_ip = false;
    return module;
}

Module vendors(uint32_t mode, uint32_t size) {
    Module module = ec25();
    module.q.reset();
    module.files.qmap_mode = mode;
    module.files.qmap_size = size;
    return module;
}

// The reason for which the driver can't work with that answer to what suits it; empty: it can.
std::string reason(const Module &module, const WdaFormat &answered) {
    const auto told = format_for_driver(module, suitable_format(module), answered);
    return told ? "" : told.error().message;
}

TEST(SuitableFormat, QmapAsTheDriverHasIt) {
    const WdaFormat expected{.qos_header = false,
                             .link_protocol = LinkProtocol::raw_ip,
                             .ul_aggregation = v1,
                             .dl_aggregation = v1,
                             .dl_max_datagrams = 8,
                             .dl_max_size = 4096,
                             .dl_minimum_padding = 0,
                             .ul_max_datagrams = 11,
                             .ul_max_size = 8192};
    EXPECT_EQ(suitable_format(ec25()), expected);

    const WdaFormat wanted = suitable_format(rm500q());
    EXPECT_EQ(wanted.ul_aggregation, v5);
    EXPECT_EQ(wanted.dl_aggregation, v5);
    EXPECT_EQ(wanted.dl_max_datagrams, 62u);
    EXPECT_EQ(wanted.dl_max_size, 31744u);
}

TEST(SuitableFormat, NoSizesWithoutQmap) {
    WdaFormat expected{.qos_header = false,
                       .link_protocol = LinkProtocol::raw_ip,
                       .ul_aggregation = off,
                       .dl_aggregation = off};
    EXPECT_EQ(suitable_format(in_mode(ec25(), 0)), expected);
    EXPECT_EQ(suitable_format(in_tree()), expected);
    EXPECT_EQ(suitable_format(vendors(0, 0)), expected);
    expected.link_protocol = LinkProtocol::ethernet;
    EXPECT_EQ(suitable_format(uc20()), expected);
}

TEST(SuitableFormat, VersionOfTheVendorsDriverByItsSize) {
    EXPECT_EQ(suitable_format(vendors(1, 16384)).dl_aggregation, v1);
    EXPECT_EQ(suitable_format(vendors(1, 31744)).dl_aggregation, v5);
    EXPECT_EQ(suitable_format(vendors(1, 31744)).dl_max_size, 31744u);
}

TEST(ChangedFormat, KeepsWhatIsNotNamed) {
    WdaFormat has = FakeModem().family_answer(suitable_format(ec25()));
    has.ndp_signature = 0;
    has.flow_control = false;
    const WdaFormat asked = changed_format(has, {.ul_max_datagrams = 3});
    EXPECT_EQ(asked.ul_max_datagrams, 3u);
    EXPECT_EQ(asked.ul_max_size, 4096u);
    EXPECT_EQ(asked.dl_aggregation, v1);
    EXPECT_EQ(asked.link_protocol, LinkProtocol::raw_ip);
    EXPECT_FALSE(asked.ndp_signature || asked.flow_control);
    EXPECT_EQ(changed_format(has, {.flow_control = true}).flow_control, true);
    // 0 is what a module without QMAP says of sizes: not something to ask for.
    EXPECT_FALSE(changed_format({.dl_max_size = 0}, {.dl_aggregation = v1}).dl_max_size);
}

TEST(FormatForDriver, TheLesserOfAskedAndAnswered) {
    const Module module = ec25();
    WdaFormat answered = FakeModem().family_answer(suitable_format(module));
    answered.ul_max_datagrams = 16;
    WdaFormat told = format_for_driver(module, suitable_format(module), answered).value();
    EXPECT_EQ(told.ul_max_datagrams, 11u);
    EXPECT_EQ(told.ul_max_size, 4096u);
    EXPECT_EQ(told.dl_max_size, 4096u);
    EXPECT_EQ(told.dl_aggregation, v1);

    answered.ul_max_datagrams = answered.ul_max_size = 0xffffffff;
    told = format_for_driver(module, suitable_format(module), answered).value();
    EXPECT_EQ(told.ul_max_datagrams, 11u);
    EXPECT_EQ(told.ul_max_size, 8192u);

    // Nothing was asked for: as much as the driver can do.
    told = format_for_driver(module, {}, answered).value();
    EXPECT_EQ(told.ul_max_size, 65536u);
}

TEST(FormatForDriver, NoUplinkAggregationWithoutBothLimits) {
    const Module module = ec25();
    const WdaFormat wanted = suitable_format(module);
    const WdaFormat full = FakeModem().family_answer(wanted);
    for (const std::optional<uint32_t> nothing : {std::optional<uint32_t>(), std::optional(0u)}) {
        WdaFormat answered = full;
        answered.ul_max_size = nothing;
        WdaFormat told = format_for_driver(module, wanted, answered).value();
        EXPECT_EQ(told.ul_max_datagrams, 1u);
        EXPECT_FALSE(told.ul_max_size);
        answered = full;
        answered.ul_max_datagrams = nothing;
        told = format_for_driver(module, wanted, answered).value();
        EXPECT_EQ(told.ul_max_datagrams, 1u);
        EXPECT_FALSE(told.ul_max_size);
    }
    WdaFormat answered = full;
    answered.ul_max_datagrams = 1;
    EXPECT_FALSE(format_for_driver(module, wanted, answered)->ul_max_size);
}

TEST(FormatForDriver, AnOlderVersionThanAsked) {
    const Module module = rm500q();
    WdaFormat answered = FakeModem::rm500q().family_answer(suitable_format(module));
    answered.ul_aggregation = answered.dl_aggregation = v1;
    const auto told = format_for_driver(module, suitable_format(module), answered);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(told->dl_aggregation, v1);
    EXPECT_EQ(told->ul_aggregation, v1);
}

TEST(FormatForDriver, SizesOfTheDownlink) {
    const Module module = ec25();
    WdaFormat answered = FakeModem().family_answer(suitable_format(module));
    for (const uint32_t size : {1u, 4096u, 65536u}) {
        answered.dl_max_size = size;
        EXPECT_EQ(format_for_driver(module, {}, answered)->dl_max_size, size);
    }
    for (const uint32_t size : {65537u, 0xffffffffu}) {
        answered.dl_max_size = size;
        EXPECT_NE(reason(module, answered).find(std::to_string(size)), std::string::npos);
    }
    answered.dl_max_size = 0;
    EXPECT_FALSE(format_for_driver(module, {}, answered)->dl_max_size);
    answered.dl_max_size.reset();
    EXPECT_FALSE(format_for_driver(module, {}, answered)->dl_max_size);
    answered.dl_minimum_padding = 255;
    EXPECT_EQ(format_for_driver(module, {}, answered)->dl_minimum_padding, 255u);
    answered.dl_minimum_padding = 256;
    EXPECT_NE(reason(module, answered), "");
}

TEST(FormatForDriver, WhatNoDriverKnows) {
    const Module module = ec25();
    const WdaFormat full = FakeModem().family_answer(suitable_format(module));
    EXPECT_EQ(reason(module, full), "");
    EXPECT_EQ(reason(module, {}), ""); // says nothing: it does what it was asked
    for (const uint32_t aggregation : {0u, 1u, 4u, 6u, 8u, 10u, 0xffffffffu}) {
        WdaFormat answered = full;
        answered.dl_aggregation = aggregation;
        EXPECT_NE(reason(module, answered), "") << aggregation;
        answered.ul_aggregation = aggregation;
        EXPECT_NE(reason(module, answered), "") << aggregation;
        answered.dl_aggregation = v1;
        EXPECT_NE(reason(module, answered), "") << aggregation;
    }
    WdaFormat answered = full;
    answered.dl_aggregation = v5; // UL: v1
    EXPECT_NE(reason(module, answered), "");
    answered = full;
    answered.link_protocol = LinkProtocol::ethernet;
    EXPECT_NE(reason(module, answered), "");
    answered = full;
    answered.qos_header = true;
    EXPECT_NE(reason(module, answered), "");
}

TEST(FormatForDriver, Mode0) {
    const Module module = in_mode(ec25(), 0);
    EXPECT_EQ(format_for_driver(module, {}, FakeModem().family_answer({})), WdaFormat{});
    // The driver follows.
    EXPECT_EQ(reason(module, {.link_protocol = LinkProtocol::ethernet}), "");
    EXPECT_NE(reason(module, {.dl_aggregation = v5}), "");
    EXPECT_NE(reason(module, {.ul_aggregation = v1}), "");
}

TEST(FormatForDriver, OtherDrivers) {
    EXPECT_EQ(reason(in_tree(), FakeModem().family_answer({})), "");
    EXPECT_NE(reason(in_tree(), FakeModem::rm500q().family_answer({})), "");
    // Who asks for QMAP with the in-tree driver knows why.
    const WdaFormat qmap{.dl_aggregation = v1, .dl_max_size = 16384};
    EXPECT_EQ(format_for_driver(in_tree(), qmap, qmap), qmap);

    const Module module = vendors(4, 4096);
    const WdaFormat answered = FakeModem().family_answer(suitable_format(module));
    EXPECT_EQ(format_for_driver(module, suitable_format(module), answered)->ul_max_size, 4096u);
}

TEST(InAgreement, OnlyIfBothSidesSaySo) {
    Module module = ec25();
    const WdaFormat wanted = suitable_format(module);
    const WdaFormat has = FakeModem().family_answer(wanted);
    EXPECT_TRUE(in_agreement(module, has, wanted));

    const auto differs = [&](const Module &driver, const WdaFormat &format) {
        return !in_agreement(driver, format, suitable_format(driver));
    };
    EXPECT_TRUE(differs(module, FakeModem().format)) << "after a reset of the module";
    Module other = module;
    other.q->format.agreed = false;
    EXPECT_TRUE(differs(other, has));
    other = module;
    other.q->format.ul_max_datagrams = 1;
    EXPECT_TRUE(differs(other, has));
    other = module;
    other.q->format.ul_max_size = 2048;
    EXPECT_TRUE(differs(other, has));
    other = module;
    other.q->format.rx_urb_size = 2048;
    EXPECT_TRUE(differs(other, has));
    other = module;
    other.q->format.dl_padding = 4;
    EXPECT_TRUE(differs(other, has));
    WdaFormat format = has;
    format.dl_aggregation = v5;
    EXPECT_TRUE(differs(module, format));
    format = has;
    format.link_protocol = LinkProtocol::ethernet;
    EXPECT_TRUE(differs(module, format));
    EXPECT_TRUE(differs(vendors(4, 4096), has)) << "does not tell";
}

TEST(InAgreement, WithoutQmapTheProtocolIsAll) {
    const WdaFormat raw_ip = FakeModem().family_answer({.link_protocol = LinkProtocol::raw_ip});
    WdaFormat ethernet = raw_ip;
    ethernet.link_protocol = LinkProtocol::ethernet;
    Module module = in_mode(ec25(), 0);
    EXPECT_TRUE(in_agreement(module, raw_ip, suitable_format(module)));
    EXPECT_FALSE(in_agreement(module, ethernet, suitable_format(module)));
    EXPECT_TRUE(in_agreement(uc20(), ethernet, suitable_format(uc20())));
    module = in_tree();
    EXPECT_FALSE(in_agreement(module, raw_ip, suitable_format(module)));
    module.files.raw_ip = true;
    EXPECT_TRUE(in_agreement(module, raw_ip, suitable_format(module)));
}

class Agree : public testing::Test {
  protected:
    FakeKernel kernel;
    FakeModem modem;
    Module module = ec25();
    WdaFormat before = modem.format;

    Result<WdaFormat> agree() {
        return ::agree(kernel, modem, module, before, suitable_format(module));
    }
    std::string error() {
        const Result<WdaFormat> answered = agree();
        return answered ? "" : answered.error().message;
    }
    static bool has(const std::string &text, const std::string &part) {
        return text.find(part) != std::string::npos;
    }
};

TEST_F(Agree, TheDriverIsToldTheAnswer) {
    const Result<WdaFormat> answered = agree();
    ASSERT_TRUE(answered) << answered.error().message;
    EXPECT_EQ(*answered, modem.format);
    EXPECT_EQ(modem.requests.size(), 1u);
    ASSERT_EQ(modem.endpoints.size(), 1u);
    EXPECT_EQ(modem.endpoints[0].control, "/dev/cdc-wdm0");
    EXPECT_EQ(modem.endpoints[0].type, 2u);
    EXPECT_EQ(modem.endpoints[0].interface, 4u);
    ASSERT_EQ(kernel.calls.size(), 1u);
    EXPECT_EQ(kernel.format.ul_max_datagrams, 11u);
    EXPECT_EQ(kernel.format.ul_max_size, 4096u);
    EXPECT_EQ(kernel.format.dl_max_size, 4096u);
}

TEST_F(Agree, NothingToTellInMode0) {
    module = in_mode(module, 0);
    EXPECT_TRUE(agree());
    EXPECT_TRUE(kernel.calls.empty());
}

TEST_F(Agree, RefusedByTheModule) {
    modem.answer = [](unsigned, const WdaFormat &) -> Result<WdaFormat> {
        return failure("the module refuses: InvalidArgument (48)");
    };
    EXPECT_EQ(error(), "the module refuses: InvalidArgument (48); nothing was changed");
    EXPECT_EQ(modem.requests.size(), 1u);
    EXPECT_TRUE(kernel.calls.empty());
}

TEST_F(Agree, NoAnswer) {
    modem.silent = Error{"no answer", ETIMEDOUT};
    const Result<WdaFormat> answered = agree();
    ASSERT_FALSE(answered);
    EXPECT_TRUE(has(answered.error().message, "no answer; ")) << answered.error().message;
    EXPECT_TRUE(has(answered.error().message, "not known")) << answered.error().message;
    EXPECT_EQ(answered.error().code, ETIMEDOUT);
    EXPECT_EQ(modem.requests.size(), 1u);
    EXPECT_TRUE(kernel.calls.empty());
}

// What the module has is its answer.
TEST_F(Agree, NoAnswerFromAModuleThatHasTakenIt) {
    modem.lost = Error{"no answer", ETIMEDOUT};
    const Result<WdaFormat> answered = agree();
    ASSERT_TRUE(answered) << answered.error().message;
    EXPECT_EQ(*answered, modem.format);
    EXPECT_EQ(modem.requests.size(), 1u);
    EXPECT_EQ(kernel.format.ul_max_datagrams, 11u);
    EXPECT_EQ(kernel.format.ul_max_size, 4096u);

    // Nor is a format that the module had before, and the driver had not.
    before = modem.format;
    kernel.format = {};
    EXPECT_TRUE(agree());
    EXPECT_EQ(kernel.format.ul_max_datagrams, 11u);

    kernel.refusal = Error{"no"};
    before = FakeModem().format;
    EXPECT_TRUE(has(error(), "setting the module back failed too")) << "nor was that answered";
    EXPECT_EQ(modem.format.dl_aggregation, off);
}

TEST_F(Agree, NoAnswerFromAModuleThatHasNot) {
    modem.answer = [](unsigned, const WdaFormat &) -> Result<WdaFormat> {
        return failure("no answer", ETIMEDOUT);
    };
    for (const uint32_t mode : {1, 0}) {
        module = in_mode(module, mode);
        EXPECT_EQ(error(), "no answer; the module has not taken it: nothing was changed") << mode;
    }
    EXPECT_EQ(modem.requests.size(), 2u);
    EXPECT_TRUE(kernel.calls.empty());
}

TEST_F(Agree, RefusedByTheDriver) {
    kernel.refusal = Error{"wwan0: UL size 4096 is less than a packet of MTU 9000", EINVAL};
    const Result<WdaFormat> answered = agree();
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().message, "wwan0: UL size 4096 is less than a packet of MTU 9000; "
                                        "the module was set back to what it had");
    EXPECT_EQ(answered.error().code, EINVAL);
    ASSERT_EQ(modem.requests.size(), 2u);
    EXPECT_EQ(modem.format.link_protocol, LinkProtocol::ethernet);
    EXPECT_EQ(modem.format.dl_aggregation, off);
    EXPECT_EQ(kernel.calls.size(), 1u);
}

TEST_F(Agree, SetBackToEveryValueItHad) {
    before = modem.format = modem.family_answer({.link_protocol = LinkProtocol::raw_ip,
                                                 .ul_aggregation = v1,
                                                 .dl_aggregation = v1,
                                                 .dl_max_datagrams = 4,
                                                 .dl_max_size = 2048,
                                                 .ul_max_datagrams = 2,
                                                 .ul_max_size = 3000});
    kernel.refusal = Error{"no"};
    EXPECT_NE(error(), "");
    EXPECT_EQ(modem.format, before);
}

TEST_F(Agree, AUselessAnswer) {
    modem.answer = [&](unsigned number, const WdaFormat &wanted) -> Result<WdaFormat> {
        return number == 1 ? WdaFormat{.ul_aggregation = off, .dl_aggregation = off}
                           : modem.family_answer(wanted);
    };
    const std::string message = error();
    EXPECT_TRUE(has(message, "wwan0 (Quectel EC25)")) << message;
    EXPECT_TRUE(has(message, "aggregation is off")) << message;
    EXPECT_TRUE(has(message, "mode set 0")) << message;
    EXPECT_TRUE(has(message, "set back to what it had")) << message;
    EXPECT_EQ(modem.requests.size(), 2u);
    EXPECT_TRUE(kernel.calls.empty());
}

TEST_F(Agree, SettingBackFails) {
    kernel.refusal = Error{"the driver says no"};
    modem.answer = [&](unsigned number, const WdaFormat &wanted) -> Result<WdaFormat> {
        if (number == 2)
            return failure("no answer within 10 s");
        return modem.family_answer(wanted);
    };
    const std::string message = error();
    EXPECT_TRUE(message.starts_with("the driver says no; ")) << message;
    EXPECT_TRUE(has(message, "failed too (no answer within 10 s)")) << message;
    EXPECT_TRUE(has(message, "qmapctl setup wwan0")) << message;
}

TEST_F(Agree, SettingBackIsNotDone) {
    kernel.refusal = Error{"the driver says no"};
    modem.answer = [&](unsigned, const WdaFormat &) -> Result<WdaFormat> {
        return modem.family_answer(suitable_format(module));
    };
    EXPECT_TRUE(has(error(), "answers with something else"));
}

TEST_F(Agree, OptionalRequestsAreTakenBackTooIfTheyWereMade) {
    kernel.refusal = Error{"no"};
    before.flow_control = modem.format.flow_control = false;
    WdaFormat asked = suitable_format(module);
    EXPECT_FALSE(::agree(kernel, modem, module, before, asked));
    EXPECT_FALSE(modem.requests.at(1).flow_control);
    asked.flow_control = true;
    EXPECT_FALSE(::agree(kernel, modem, module, before, asked));
    EXPECT_EQ(modem.requests.at(3).flow_control, false);
}

// A 5G module under the in-tree driver.
TEST_F(Agree, NoWayWithoutQmap) {
    modem = FakeModem::rm500q();
    before = modem.format;
    module = in_tree();
    EXPECT_TRUE(has(error(), "5G"));
    EXPECT_EQ(modem.format.dl_aggregation, v5);
    EXPECT_TRUE(kernel.calls.empty());
}

// How far it was when the signal came through; 0: none has.
unsigned requests_then = 0, calls_then = 0;

class AgreeAndSignals : public Agree {
  protected:
    AgreeAndSignals() {
        self = this;
        requests_then = calls_then = 0;
        modem.answer = [this](unsigned number, const WdaFormat &wanted) -> Result<WdaFormat> {
            if (number == 1)
                raise(sent);
            return modem.family_answer(wanted);
        };
    }
    ~AgreeAndSignals() override {
        for (const int number : {SIGINT, SIGTERM, SIGHUP})
            std::signal(number, SIG_DFL);
    }

    static void note(int) {
        requests_then = self->modem.requests.size();
        calls_then = self->kernel.calls.size();
    }

    int sent = SIGTERM;
    static inline AgreeAndSignals *self;
};

TEST_F(AgreeAndSignals, ComeWhenBothHaveChanged) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        sent = number;
        modem.requests.clear();
        kernel.calls.clear();
        calls_then = 0;
        std::signal(number, note);
        EXPECT_TRUE(agree());
        EXPECT_EQ(calls_then, 1u) << number;
    }
    calls_then = 0;
    raise(SIGTERM);
    EXPECT_EQ(calls_then, 1u) << "still held";
}

TEST_F(AgreeAndSignals, ComeWhenTheModuleIsSetBack) {
    std::signal(SIGTERM, note);
    kernel.refusal = Error{"no"};
    EXPECT_TRUE(has(error(), "set back"));
    EXPECT_EQ(requests_then, 2u);
}

TEST_F(AgreeAndSignals, EndTheProgram) {
    EXPECT_EXIT(agree(), testing::KilledBySignal(SIGTERM), "");
}

TEST_F(AgreeAndSignals, DontComeWhereTheyAreIgnored) {
    std::signal(SIGTERM, SIG_IGN);
    EXPECT_TRUE(agree());
    raise(SIGTERM);
    EXPECT_TRUE(agree());
}

class Mismatches : public testing::Test {
  protected:
    static std::vector<std::string> fields(const Module &module, const WdaFormat &format) {
        std::vector<std::string> fields;
        for (const Mismatch &mismatch : mismatches(module, format))
            fields.push_back(mismatch.field);
        return fields;
    }
    using Fields = std::vector<std::string>;
};

TEST_F(Mismatches, NoneInAgreement) {
    const WdaFormat has = FakeModem().family_answer(suitable_format(ec25()));
    EXPECT_EQ(fields(ec25(), has), Fields{});
    EXPECT_EQ(fields(ec25(), {}), Fields{});
}

TEST_F(Mismatches, EachField) {
    const WdaFormat good = FakeModem().family_answer(suitable_format(ec25()));
    WdaFormat has = good;
    has.link_protocol = LinkProtocol::ethernet;
    EXPECT_EQ(fields(ec25(), has), Fields{"link_protocol"});
    has = good;
    has.ul_aggregation = has.dl_aggregation = v5;
    EXPECT_EQ(fields(ec25(), has), (Fields{"ul_aggregation", "dl_aggregation"}));
    has = good;
    has.dl_max_size = 4097;
    EXPECT_EQ(fields(ec25(), has), Fields{"dl_max_size"});
    has = good;
    has.dl_minimum_padding = 4;
    EXPECT_EQ(fields(ec25(), has), Fields{"dl_minimum_padding"});
    has = good;
    has.ul_max_datagrams = 10;
    EXPECT_EQ(fields(ec25(), has), Fields{"ul_max_datagrams"});
    has = good;
    has.ul_max_size = 4095;
    EXPECT_EQ(fields(ec25(), has), Fields{"ul_max_size"});
}

TEST_F(Mismatches, UplinkThatIsNotAggregated) {
    Module module = ec25();
    module.q->format.ul_max_datagrams = 1;
    module.q->format.ul_max_size = 0;
    const WdaFormat has = FakeModem().family_answer(suitable_format(module));
    EXPECT_EQ(fields(module, has), Fields{"ul_max_datagrams"});
}

TEST_F(Mismatches, QmapWithoutADriverThatKnowsIt) {
    const WdaFormat has = FakeModem::rm500q().format;
    EXPECT_EQ(fields(in_mode(rm500q(), 0), has), (Fields{"ul_aggregation", "dl_aggregation"}));
    EXPECT_EQ(fields(in_tree(), has), Fields{"link_protocol"});
}

} // namespace
