// SPDX-License-Identifier: GPL-2.0
#include "usb_descriptors.h"

#include <algorithm>
#include <initializer_list>

namespace vmodem {

namespace {

enum DescriptorType : uint8_t {
    dt_device = 1,
    dt_configuration = 2,
    dt_string = 3,
    dt_interface = 4,
    dt_endpoint = 5,
    dt_interface_association = 11,
    dt_bos = 15,
    dt_device_capability = 16,
    dt_cs_interface = 0x24,
    dt_ss_companion = 48,
};
enum EndpointType : uint8_t { bulk = 2, interrupt = 3 };
enum StringIndex : uint8_t { manufacturer = 1, product = 2, serial = 3, mac = 4 };

constexpr uint8_t low(unsigned value) {
    return value & 0xff;
}
constexpr uint8_t high(unsigned value) {
    return value >> 8 & 0xff;
}

struct InterfaceClass {
    uint8_t base, sub, protocol;
};
constexpr InterfaceClass serial_class{0xff, 0x00, 0x00};
constexpr InterfaceClass qmi_class{0xff, 0xff, 0xff};
constexpr InterfaceClass ecm_class{0x02, 0x06, 0x00};
constexpr InterfaceClass mbim_class{0x02, 0x0e, 0x00};
constexpr InterfaceClass rndis_class{0xe0, 0x01, 0x03};
constexpr InterfaceClass data_class{0x0a, 0x00, 0x00};
constexpr InterfaceClass mbim_data_class{0x0a, 0x00, 0x02};

// Hands out endpoint numbers in order of use, as these modules do: which is how the QMI interface
// behind four serial ones comes to have 0x89, 0x88 and 0x05.
class ConfigurationBuilder {
  public:
    explicit ConfigurationBuilder(UsbSpeed speed) : speed_(speed) {
        add({9, dt_configuration, 0, 0, 0, 1, 0, attributes,
             uint8_t(speed == UsbSpeed::super ? 896 / 8 : 500 / 2)});
    }

    void association(uint8_t first, InterfaceClass c) {
        add({8, dt_interface_association, first, 2, c.base, c.sub, c.protocol, 0});
    }
    void interface(uint8_t number, uint8_t alternate, uint8_t endpoints, InterfaceClass c) {
        add({9, dt_interface, number, alternate, endpoints, c.base, c.sub, c.protocol, 0});
        interfaces_ += alternate == 0;
    }
    void functional(std::initializer_list<uint8_t> body) {
        add({uint8_t(body.size() + 2), dt_cs_interface});
        add(body);
    }
    uint8_t notify_endpoint(uint8_t size) {
        uint8_t address = 0x80 | ++last_in_;
        endpoint(address, interrupt, size, 9);
        return address;
    }
    uint8_t bulk_in_endpoint() {
        uint8_t address = 0x80 | ++last_in_;
        endpoint(address, bulk, bulk_packet_size(speed_), 0);
        return address;
    }
    uint8_t bulk_out_endpoint() {
        endpoint(++last_out_, bulk, bulk_packet_size(speed_), 0);
        return last_out_;
    }
    Bytes finish() {
        bytes_[2] = low(bytes_.size());
        bytes_[3] = high(bytes_.size());
        bytes_[4] = interfaces_;
        return std::move(bytes_);
    }

  private:
    static constexpr uint8_t attributes = 0x80 | 0x20; // bus-powered, remote wake-up

    void add(std::initializer_list<uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes); }
    void endpoint(uint8_t address, EndpointType type, unsigned size, uint8_t interval) {
        add({7, dt_endpoint, address, type, low(size), high(size), interval});
        if (speed_ == UsbSpeed::super && type == bulk)
            add({6, dt_ss_companion, 3, 0, 0, 0}); // bursts of 4
        else if (speed_ == UsbSpeed::super)
            add({6, dt_ss_companion, 0, 0, low(size), high(size)});
    }

    UsbSpeed speed_;
    Bytes bytes_;
    uint8_t interfaces_ = 0, last_in_ = 0, last_out_ = 0;
};

// DIAG has two endpoints; NMEA, AT and modem report line states on a third one.
void add_serial_interfaces(ConfigurationBuilder &b, uint8_t first, uint8_t count) {
    for (uint8_t i = 0; i < count; i++) {
        bool diag = i == 0;
        b.interface(first + i, 0, diag ? 2 : 3, serial_class);
        if (!diag) {
            b.functional({0x00, 0x10, 0x01});
            b.functional({0x01, 0x00, 0x00});
            b.functional({0x02, 0x02});
            b.functional({0x06, 0x00, 0x00});
        }
        b.bulk_in_endpoint();
        b.bulk_out_endpoint();
        if (!diag)
            b.notify_endpoint(10);
    }
}

NetworkFunction add_qmi(ConfigurationBuilder &b, uint8_t number) {
    b.interface(number, 0, 3, qmi_class);
    NetworkFunction f{Composition::qmi, number, 0, 0, 0};
    f.bulk_in_endpoint = b.bulk_in_endpoint();
    f.bulk_out_endpoint = b.bulk_out_endpoint();
    f.notify_endpoint = b.notify_endpoint(8);
    return f;
}

NetworkFunction add_cdc(ConfigurationBuilder &b, uint8_t number, Composition composition) {
    uint8_t data = number + 1;
    NetworkFunction f{composition, number, 0, 0, 0};
    InterfaceClass control = composition == Composition::ecm    ? ecm_class
                             : composition == Composition::mbim ? mbim_class
                                                                : rndis_class;
    b.association(number, control);
    b.interface(number, 0, 1, control);
    b.functional({0x00, 0x10, 0x01});
    switch (composition) {
    case Composition::ecm:
        b.functional({0x0f, mac, 0, 0, 0, 0, low(1514), high(1514), 0, 0, 0});
        break;
    case Composition::mbim:
        b.functional(
            {0x1b, 0x00, 0x01, low(4096), high(4096), 32, 128, low(2048), high(2048), 0x20});
        b.functional({0x1c, 0x00, 0x01, 64, low(1500), high(1500)});
        break;
    default:
        b.functional({0x01, 0x00, data});
        b.functional({0x02, 0x00});
        break;
    }
    b.functional({0x06, number, data});
    f.notify_endpoint = b.notify_endpoint(composition == Composition::rndis ? 8 : 16);

    uint8_t alternate = 0;
    if (composition != Composition::rndis) {
        // The data interface sleeps in alternate setting 0.
        b.interface(data, 0, 0, composition == Composition::mbim ? mbim_data_class : data_class);
        alternate = 1;
    }
    b.interface(data, alternate, 2,
                composition == Composition::mbim ? mbim_data_class : data_class);
    f.bulk_in_endpoint = b.bulk_in_endpoint();
    f.bulk_out_endpoint = b.bulk_out_endpoint();
    return f;
}

Bytes device_descriptor(const Profile &profile, UsbSpeed speed, Composition composition) {
    bool super = speed == UsbSpeed::super;
    bool associations = composition != Composition::qmi;
    unsigned usb = super ? 0x0300 : 0x0200;
    constexpr unsigned release = 0x0318;
    return {18,
            dt_device,
            low(usb),
            high(usb),
            uint8_t(associations ? 0xef : 0),
            uint8_t(associations ? 2 : 0),
            uint8_t(associations ? 1 : 0),
            uint8_t(super ? 9 : 64), // at super speed 2^9
            low(profile.vendor_id),
            high(profile.vendor_id),
            low(profile.product_id),
            high(profile.product_id),
            low(release),
            high(release),
            manufacturer,
            product,
            serial,
            1};
}

Bytes bos_descriptor() {
    return {5, dt_bos, 22, 0, 2,
            // USB 2.0 extension: no link power management.
            7, dt_device_capability, 2, 0, 0, 0, 0,
            // SuperSpeed: full, high and super speed; all functions from high speed on.
            10, dt_device_capability, 3, 0, 0x0e, 0, 2, 10, low(2047), high(2047)};
}

Bytes string_descriptor(const std::string &text) {
    Bytes bytes{uint8_t(2 + 2 * text.size()), dt_string};
    for (char c : text) {
        bytes.push_back(c);
        bytes.push_back(0);
    }
    return bytes;
}

} // namespace

std::optional<Composition> composition_of(unsigned usbnet) {
    return usbnet <= unsigned(Composition::rndis) ? std::optional(Composition(usbnet))
                                                  : std::nullopt;
}

std::optional<Bytes> UsbDescriptors::find(uint8_t type, uint8_t index) const {
    switch (type) {
    case dt_device:
        return device;
    case dt_configuration:
        return index == 0 ? std::optional(configuration) : std::nullopt;
    case dt_bos:
        return bos.empty() ? std::nullopt : std::optional(bos);
    case dt_string:
        if (index == 0)
            return Bytes{4, dt_string, 0x09, 0x04}; // English
        return index <= strings.size() ? std::optional(string_descriptor(strings[index - 1]))
                                       : std::nullopt;
    default:
        return std::nullopt;
    }
}

UsbDescriptors make_descriptors(const Profile &profile, UsbSpeed speed, Composition composition) {
    constexpr uint8_t serial_interfaces = 4;
    UsbDescriptors d;
    ConfigurationBuilder b(speed);
    if (composition == Composition::rndis) {
        d.network = add_cdc(b, 0, composition);
        add_serial_interfaces(b, 2, serial_interfaces);
    } else {
        uint8_t serials = std::min(profile.qmi_interface, serial_interfaces);
        add_serial_interfaces(b, 0, serials);
        d.network = composition == Composition::qmi ? add_qmi(b, profile.qmi_interface)
                                                    : add_cdc(b, serials, composition);
    }
    d.configuration = b.finish();
    d.device = device_descriptor(profile, speed, composition);
    if (speed == UsbSpeed::super)
        d.bos = bos_descriptor();
    d.strings = {std::string(profile.manufacturer), std::string(profile.product), "1f0e2d3c",
                 "0250F3000001"};
    return d;
}

} // namespace vmodem
