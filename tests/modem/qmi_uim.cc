// SPDX-License-Identifier: GPL-2.0
// UIM: a card that is ready and asks for no PIN.
#include "qmi_core.h"

namespace vmodem {

namespace {

QmiError get_card_status(QmiCore &, const QmiMessage &, QmiReply &reply) {
    constexpr uint8_t status[] = {
        0, 0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // primary GW: slot 0, application 0; no others
        1,                                           // cards
        1, 0,    0,    0,    0,                      // present; no UPIN; no error
        1,                                           // applications
        2, 7,                                        // USIM, ready
        2, 0,    0,    0,                            // personalisation: ready
        7, 0xa0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, // AID
        0,                                           // PIN1 is not replaced by UPIN
        3, 3,    10,                                 // PIN1 disabled
        1, 3,    10,                                 // PIN2 enabled, not verified
    };
    reply.message.put(0x10, status);
    return QmiError::none;
}

constexpr QmiCommand commands[] = {{0x2f, get_card_status}};

} // namespace

const QmiService qmi_uim{Service::uim, 1, 43, commands};

} // namespace vmodem
