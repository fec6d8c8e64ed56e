// SPDX-License-Identifier: GPL-2.0
// The device side against the library's own host side: what QEMU would see.
#include "../modem/usbredir.h"
#include "downlink.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <map>
#include <sys/socket.h>
#include <sys/un.h>
#include <usbredirparser.h>

using namespace vmodem;

namespace {

constexpr uint8_t bulk_in = 0x88, bulk_out = 0x05, notify = 0x89;

// The far end. Keeps the answers by id.
class Host {
  public:
    struct Answer {
        uint8_t status;
        uint32_t length;
        Bytes data;
    };

    explicit Host(FileDescriptor socket) : socket_(std::move(socket)) {
        parser = usbredirparser_create();
        parser->priv = this;
        parser->log_func = [](void *, int level, const char *text) {
            if (level <= usbredirparser_warning)
                ADD_FAILURE() << text;
        };
        parser->read_func = [](void *self, uint8_t *data, int size) {
            ssize_t got = ::recv(of(self).socket_.get(), data, size_t(size), MSG_DONTWAIT);
            return got < 0 && errno == EAGAIN ? 0 : got > 0 ? int(got) : -1;
        };
        parser->write_func = [](void *self, uint8_t *data, int size) {
            return int(::send(of(self).socket_.get(), data, size_t(size), MSG_NOSIGNAL));
        };
        parser->hello_func = [](void *, usb_redir_hello_header *) {};
        parser->device_connect_func = [](void *self, usb_redir_device_connect_header *header) {
            of(self).connected = *header;
        };
        parser->interface_info_func = [](void *self, usb_redir_interface_info_header *header) {
            of(self).interfaces = *header;
        };
        parser->ep_info_func = [](void *self, usb_redir_ep_info_header *header) {
            of(self).endpoints = *header;
        };
        parser->configuration_status_func = [](void *self, uint64_t id,
                                               usb_redir_configuration_status_header *header) {
            of(self).answers[id] = {header->status, header->configuration, {}};
        };
        parser->alt_setting_status_func = [](void *self, uint64_t id,
                                             usb_redir_alt_setting_status_header *header) {
            of(self).answers[id] = {header->status, header->alt, {}};
        };
        parser->interrupt_receiving_status_func =
            [](void *self, uint64_t id, usb_redir_interrupt_receiving_status_header *header) {
                of(self).answers[id] = {header->status, header->endpoint, {}};
            };
        parser->control_packet_func =
            [](void *self, uint64_t id, usb_redir_control_packet_header *header, uint8_t *data,
               int size) { of(self).keep(id, header->status, header->length, data, size); };
        parser->bulk_packet_func = [](void *self, uint64_t id, usb_redir_bulk_packet_header *header,
                                      uint8_t *data, int size) {
            EXPECT_EQ(header->stream_id, 7u);
            of(self).keep(id, header->status, uint32_t(header->length_high) << 16 | header->length,
                          data, size);
        };
        parser->interrupt_packet_func = [](void *self, uint64_t,
                                           usb_redir_interrupt_packet_header *header, uint8_t *data,
                                           int size) {
            EXPECT_EQ(header->endpoint, notify);
            of(self).notifications.emplace_back(data, data + size);
            usbredirparser_free_packet_data(of(self).parser, data);
        };
        uint32_t capabilities[USB_REDIR_CAPS_SIZE]{};
        for (int capability :
             {usb_redir_cap_connect_device_version, usb_redir_cap_ep_info_max_packet_size,
              usb_redir_cap_64bits_ids, usb_redir_cap_32bits_bulk_length})
            usbredirparser_caps_set_cap(capabilities, capability);
        usbredirparser_init(parser, "test", capabilities, USB_REDIR_CAPS_SIZE, 0);
    }
    ~Host() { usbredirparser_destroy(parser); }

    void bulk(uint64_t id, uint8_t endpoint, uint32_t length, Bytes data = {}) {
        usb_redir_bulk_packet_header header{endpoint, 0, uint16_t(length), 7,
                                            uint16_t(length >> 16)};
        usbredirparser_send_bulk_packet(parser, id, &header, data.data(), int(data.size()));
    }
    void control(uint64_t id, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                 uint16_t length, Bytes data = {}) {
        usb_redir_control_packet_header header{
            uint8_t(type & 0x80), request, type, 0, value, index, length};
        usbredirparser_send_control_packet(parser, id, &header, data.data(), int(data.size()));
    }

    usbredirparser *parser;
    std::optional<usb_redir_device_connect_header> connected;
    usb_redir_interface_info_header interfaces{};
    usb_redir_ep_info_header endpoints{};
    std::map<uint64_t, Answer> answers;
    std::vector<Bytes> notifications;
    void close() { socket_ = {}; }

  private:
    static Host &of(void *self) { return *static_cast<Host *>(self); }
    void keep(uint64_t id, uint8_t status, uint32_t length, uint8_t *data, int size) {
        EXPECT_FALSE(answers.contains(id)) << "answered twice";
        answers[id] = {status, length, Bytes(data, data + size)};
        usbredirparser_free_packet_data(parser, data);
    }

    FileDescriptor socket_;
};

class Usbredir : public testing::TestWithParam<UsbSpeed> {
  protected:
    Usbredir() {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        connection.emplace(FileDescriptor(ends[0]), device, GetParam());
        host.emplace(FileDescriptor(ends[1]));
        settle();
    }

    // Until nothing is under way any more.
    void settle() {
        for (int i = 0; i < 4; i++) {
            ASSERT_EQ(usbredirparser_do_write(host->parser), 0);
            ASSERT_TRUE(connection->receive());
            device.pump_bulk_in();
            ASSERT_TRUE(connection->flush());
            ASSERT_EQ(usbredirparser_do_read(host->parser), 0);
        }
    }
    void configure() {
        usb_redir_set_configuration_header header{1};
        usbredirparser_send_set_configuration(host->parser, 1000, &header);
        settle();
        ASSERT_EQ(host->answers.at(1000).status, usb_redir_success);
    }

    std::deque<Bytes> downlink;
    std::vector<Bytes> uplink, commands;
    UsbDevice device{
        make_descriptors(*find_profile("rm500q"), GetParam(), Composition::qmi),
        GetParam(),
        {.complete = [this](UrbResult r) { connection->complete(std::move(r)); },
         .command = [this](ByteView c) { commands.emplace_back(c.begin(), c.end()); },
         .uplink = [this](ByteView d, bool) { uplink.emplace_back(d.begin(), d.end()); },
         .downlink = [this] { return take_first(downlink); },
         .line_state = [](unsigned) {}}};
    std::optional<UsbredirConnection> connection;
    std::optional<Host> host;
};

TEST_P(Usbredir, SaysWhatTheDeviceIs) {
    ASSERT_TRUE(host->connected);
    EXPECT_EQ(host->connected->vendor_id, 0x2c7c);
    EXPECT_EQ(host->connected->product_id, 0x0800);
    EXPECT_EQ(host->connected->speed,
              GetParam() == UsbSpeed::super ? usb_redir_speed_super : usb_redir_speed_high);
    EXPECT_EQ(host->interfaces.interface_count, 5u);
    EXPECT_EQ(host->interfaces.interface[4], 4);
    EXPECT_EQ(host->interfaces.interface_class[4], 0xff);
    EXPECT_EQ(host->endpoints.type[0x18], usb_redir_type_bulk);
    EXPECT_EQ(host->endpoints.max_packet_size[0x18], GetParam() == UsbSpeed::super ? 1024 : 512);
    EXPECT_EQ(host->endpoints.type[0x19], usb_redir_type_interrupt);
    EXPECT_NE(host->endpoints.interval[0x19], 0);
    EXPECT_EQ(host->endpoints.interface[0x19], 4);
    EXPECT_EQ(host->endpoints.type[0x1f], usb_redir_type_invalid);
}

TEST_P(Usbredir, CarriesControlRequests) {
    host->control(1, 0x80, 6, 0x0100, 0, 8);
    host->control(2, 0xc0, 0x77, 0, 0, 4);
    configure();
    host->control(3, 0x21, 0, 0, 4, 3, {7, 8, 9});
    settle();
    EXPECT_EQ(host->answers.at(1).status, usb_redir_success);
    EXPECT_EQ(host->answers.at(1).data.size(), 8u);
    EXPECT_EQ(host->answers.at(1).data[1], 1);
    EXPECT_EQ(host->answers.at(2).status, usb_redir_stall);
    EXPECT_EQ(host->answers.at(3).status, usb_redir_success);
    EXPECT_EQ(commands, (std::vector<Bytes>{{7, 8, 9}}));
}

TEST_P(Usbredir, SetsConfigurationAndInterface) {
    configure();
    EXPECT_TRUE(device.configured());
    usb_redir_set_alt_setting_header alt{4, 1};
    usbredirparser_send_set_alt_setting(host->parser, 1, &alt);
    usb_redir_get_alt_setting_header which{4};
    usbredirparser_send_get_alt_setting(host->parser, 2, &which);
    usbredirparser_send_get_configuration(host->parser, 3);
    usb_redir_set_configuration_header nonsense{9};
    usbredirparser_send_set_configuration(host->parser, 4, &nonsense);
    settle();
    EXPECT_EQ(host->answers.at(1).status, usb_redir_success);
    EXPECT_EQ(host->answers.at(2).length, 1u);
    EXPECT_EQ(host->answers.at(3).length, 1u);
    EXPECT_EQ(host->answers.at(4).status, usb_redir_stall);
    usbredirparser_send_reset(host->parser);
    settle();
    EXPECT_FALSE(device.configured());
}

TEST_P(Usbredir, CarriesBulkBothWays) {
    configure();
    host->bulk(1, bulk_in, 100'000);
    host->bulk(2, bulk_in, 512);
    host->bulk(3, bulk_out, 5, {1, 2, 3, 4, 5});
    host->bulk(4, bulk_out, 0);
    settle();
    EXPECT_EQ(uplink, (std::vector<Bytes>{{1, 2, 3, 4, 5}, {}}));
    EXPECT_EQ(host->answers.at(3).length, 5u);
    EXPECT_EQ(host->answers.at(4).length, 0u);
    EXPECT_FALSE(host->answers.contains(1)); // nothing to say: it stays pending
    Bytes large(70'001);
    large[70'000] = 0x5a;
    downlink = {large, {1}};
    settle();
    EXPECT_EQ(host->answers.at(1).data, large);
    EXPECT_EQ(host->answers.at(2).data, (Bytes{1}));
}

TEST_P(Usbredir, TellsBabbleFromOtherErrors) {
    configure();
    downlink = {Bytes(600)};
    host->bulk(1, bulk_in, 500);
    settle();
    EXPECT_EQ(host->answers.at(1).status, usb_redir_babble);
    device.fail_bulk_in(-EPROTO);
    device.fail_bulk_in(-EPIPE);
    host->bulk(2, bulk_in, 500);
    host->bulk(3, bulk_in, 500);
    settle();
    EXPECT_EQ(host->answers.at(2).status, usb_redir_ioerror);
    EXPECT_EQ(host->answers.at(3).status, usb_redir_stall);
}

TEST_P(Usbredir, AnswersACancelledRequestOnce) {
    configure();
    host->bulk(1, bulk_in, 512);
    host->bulk(2, bulk_out, 1, {1});
    settle();
    usbredirparser_send_cancel_data_packet(host->parser, 1);
    usbredirparser_send_cancel_data_packet(host->parser, 2); // too late
    usbredirparser_send_cancel_data_packet(host->parser, 3); // never sent
    downlink = {{1}};
    settle();
    EXPECT_EQ(host->answers.at(1).status, usb_redir_cancelled);
    EXPECT_EQ(host->answers.at(2).status, usb_redir_success);
    EXPECT_FALSE(host->answers.contains(3));
    EXPECT_EQ(downlink.size(), 1u);
}

TEST_P(Usbredir, PushesNotificationsWhileTheHostWantsThem) {
    configure();
    device.respond({1});
    settle();
    EXPECT_TRUE(host->notifications.empty());
    usb_redir_start_interrupt_receiving_header start{notify};
    usbredirparser_send_start_interrupt_receiving(host->parser, 1, &start);
    settle();
    EXPECT_EQ(host->answers.at(1).status, usb_redir_success);
    device.respond({2});
    device.respond({3});
    settle();
    ASSERT_EQ(host->notifications.size(), 3u);
    EXPECT_EQ(host->notifications[2], (Bytes{0xa1, 1, 0, 0, 4, 0, 0, 0}));
    usb_redir_stop_interrupt_receiving_header stop{notify};
    usbredirparser_send_stop_interrupt_receiving(host->parser, 2, &stop);
    settle();
    device.respond({4});
    settle();
    EXPECT_EQ(host->notifications.size(), 3u);
}

TEST_P(Usbredir, NoticesThatTheHostIsGone) {
    host->close();
    EXPECT_FALSE(connection->receive());
}

TEST_P(Usbredir, GivesUpOnNonsense) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    UsbredirConnection other(FileDescriptor(ends[0]), device, GetParam());
    FileDescriptor far(ends[1]);
    Bytes nonsense(64, 0xff);
    ASSERT_EQ(::send(far.get(), nonsense.data(), nonsense.size(), 0), ssize_t(nonsense.size()));
    EXPECT_FALSE(other.receive());
}

INSTANTIATE_TEST_SUITE_P(Speeds, Usbredir, testing::Values(UsbSpeed::high, UsbSpeed::super),
                         [](const auto &info) {
                             return info.param == UsbSpeed::super ? "Super" : "High";
                         });

TEST(UsbredirServer, LetsAHostIn) {
    std::string path = testing::TempDir() + "/usbredir-" + std::to_string(::getpid());
    UsbredirServer server(path);
    EXPECT_FALSE(server.wait(std::chrono::milliseconds(0)));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    EXPECT_TRUE(server.wait(std::chrono::milliseconds(0)));
    UsbDevice device(make_descriptors(*find_profile("ec25"), UsbSpeed::high, Composition::qmi),
                     UsbSpeed::high, {});
    auto attachment = server.attach()(device, UsbSpeed::high);
    EXPECT_TRUE(attachment.connection->unsent()); // a greeting
    EXPECT_TRUE(attachment.connection->flush());
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 1);
}

} // namespace
