// SPDX-License-Identifier: GPL-2.0
#include "../modem/usb_descriptors.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace vmodem;

namespace {

unsigned u16(ByteView bytes, size_t at) {
    return bytes[at] | bytes[at + 1] << 8;
}

struct Interface {
    unsigned number, alternate, endpoints_claimed;
    std::string function; // class, subclass, protocol
    std::vector<Bytes> endpoints;
};

std::string triple(ByteView bytes) {
    char text[9];
    std::snprintf(text, sizeof(text), "%02x/%02x/%02x", bytes[0], bytes[1], bytes[2]);
    return text;
}

// Walks a configuration as a host does; fails the test where a length leads astray.
std::vector<Interface> walk(const Bytes &configuration, UsbSpeed speed) {
    std::vector<Interface> interfaces;
    ByteView rest(configuration);
    bool companion_due = false;
    while (!rest.empty()) {
        size_t length = rest[0];
        if (length < 2 || length > rest.size()) {
            ADD_FAILURE() << "descriptor of " << length << " bytes, " << rest.size() << " left";
            return interfaces;
        }
        EXPECT_EQ(companion_due, rest[1] == 48);
        companion_due = false;
        if (rest[1] == 4) {
            EXPECT_EQ(length, 9u);
            interfaces.push_back({rest[2], rest[3], rest[4], triple(rest.subspan(5)), {}});
        } else if (rest[1] == 5) {
            EXPECT_EQ(length, 7u);
            interfaces.back().endpoints.emplace_back(rest.begin(), rest.begin() + length);
            companion_due = speed == UsbSpeed::super;
        }
        rest = rest.subspan(length);
    }
    EXPECT_FALSE(companion_due);
    return interfaces;
}

struct Variant {
    const Profile *profile;
    UsbSpeed speed;
    Composition composition;
};

std::vector<Variant> every_variant() {
    std::vector<Variant> all;
    for (const Profile &profile : profiles())
        for (UsbSpeed speed : {UsbSpeed::high, UsbSpeed::super})
            for (unsigned usbnet = 0; usbnet < 4; usbnet++)
                all.push_back({&profile, speed, *composition_of(usbnet)});
    return all;
}

class Descriptors : public testing::TestWithParam<Variant> {
  protected:
    UsbDescriptors d =
        make_descriptors(*GetParam().profile, GetParam().speed, GetParam().composition);
};

TEST_P(Descriptors, LengthsAgree) {
    ASSERT_EQ(d.device.size(), 18u);
    EXPECT_EQ(d.device[0], 18);
    EXPECT_EQ(u16(d.device, 8), GetParam().profile->vendor_id);
    EXPECT_EQ(u16(d.device, 10), GetParam().profile->product_id);
    EXPECT_EQ(u16(d.configuration, 2), d.configuration.size());

    std::set<unsigned> numbers;
    std::map<unsigned, unsigned> endpoint_owner;
    for (const Interface &i : walk(d.configuration, GetParam().speed)) {
        numbers.insert(i.number);
        EXPECT_EQ(i.endpoints_claimed, i.endpoints.size());
        for (const Bytes &e : i.endpoints) {
            EXPECT_TRUE(endpoint_owner.emplace(e[2], i.number).second) << "endpoint twice";
            if (e[3] == 2) {
                EXPECT_EQ(u16(e, 4), bulk_packet_size(GetParam().speed));
            }
        }
    }
    EXPECT_EQ(d.configuration[4], numbers.size());
    EXPECT_EQ(*numbers.rbegin() + 1, numbers.size()) << "a gap between the interfaces";
}

TEST_P(Descriptors, BosAtSuperSpeedOnly) {
    bool super = GetParam().speed == UsbSpeed::super;
    EXPECT_EQ(u16(d.device, 2), super ? 0x0300u : 0x0200u);
    EXPECT_EQ(d.device[7], super ? 9 : 64);
    auto bos = d.find(15, 0);
    ASSERT_EQ(bos.has_value(), super);
    if (!super)
        return;
    EXPECT_EQ(u16(*bos, 2), bos->size());
    unsigned capabilities = 0;
    for (size_t at = (*bos)[0]; at < bos->size(); at += (*bos)[at]) {
        ASSERT_GE((*bos)[at], 3);
        capabilities++;
    }
    EXPECT_EQ((*bos)[4], capabilities);
}

TEST_P(Descriptors, NetworkFunctionIsWhereItSays) {
    std::map<Composition, std::string> function{{Composition::qmi, "ff/ff/ff"},
                                                {Composition::ecm, "02/06/00"},
                                                {Composition::mbim, "02/0e/00"},
                                                {Composition::rndis, "e0/01/03"}};
    auto interfaces = walk(d.configuration, GetParam().speed);
    auto owner = [&](uint8_t endpoint, unsigned type) {
        for (const Interface &i : interfaces)
            for (const Bytes &e : i.endpoints)
                if (e[2] == endpoint && e[3] == type)
                    return int(i.number);
        return -1;
    };
    const NetworkFunction &n = d.network;
    for (const Interface &i : interfaces) {
        if (i.number == n.control_interface) {
            EXPECT_EQ(i.function, function[n.composition]);
        }
    }
    int data = n.control_interface + (n.composition != Composition::qmi);
    EXPECT_EQ(owner(n.notify_endpoint, 3), n.control_interface);
    EXPECT_EQ(owner(n.bulk_in_endpoint, 2), data);
    EXPECT_EQ(owner(n.bulk_out_endpoint, 2), data);
}

TEST_P(Descriptors, FourSerialInterfaces) {
    std::vector<size_t> endpoints;
    for (const Interface &i : walk(d.configuration, GetParam().speed))
        if (i.function == "ff/00/00")
            endpoints.push_back(i.endpoints.size());
    EXPECT_EQ(endpoints, (std::vector<size_t>{2, 3, 3, 3}));
}

INSTANTIATE_TEST_SUITE_P(All, Descriptors, testing::ValuesIn(every_variant()));

TEST(QmiComposition, HasTheEndpointsOfTheRealThing) {
    auto d = make_descriptors(*find_profile("ec25"), UsbSpeed::high, Composition::qmi);
    EXPECT_EQ(d.network.control_interface, 4);
    EXPECT_EQ(d.network.notify_endpoint, 0x89);
    EXPECT_EQ(d.network.bulk_in_endpoint, 0x88);
    EXPECT_EQ(d.network.bulk_out_endpoint, 0x05);
}

TEST(Strings, AreUtf16) {
    auto d = make_descriptors(*find_profile("ec25"), UsbSpeed::high, Composition::qmi);
    auto manufacturer = d.find(3, 1);
    ASSERT_TRUE(manufacturer);
    EXPECT_EQ(*manufacturer,
              (Bytes{16, 3, 'Q', 0, 'u', 0, 'e', 0, 'c', 0, 't', 0, 'e', 0, 'l', 0}));
    EXPECT_FALSE(d.find(3, 200));
    EXPECT_FALSE(d.find(2, 1));
    EXPECT_FALSE(d.find(6, 0));
}

TEST(Profiles, AreFoundByName) {
    for (const Profile &profile : profiles())
        EXPECT_EQ(find_profile(profile.name), &profile);
    EXPECT_EQ(find_profile("ec2"), nullptr);
    EXPECT_FALSE(composition_of(4));
}

} // namespace
