// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "modem.h"

#include <functional>
#include <memory>
#include <string>

// Modules asked by libqmi, through its qmi-proxy, so that other programs keep theirs. The one file
// that knows libqmi is modem_libqmi.cc.
class LibqmiModem : public Modem {
  public:
    // `note` is told, a line each, what is no error but good to know.
    explicit LibqmiModem(std::function<void(const std::string &)> note);
    ~LibqmiModem() override;

    void set_timeout(std::chrono::seconds timeout) override { timeout_ = timeout; }
    Result<WdaFormat> data_format(const Endpoint &endpoint) override;
    Result<WdaFormat> set_data_format(const Endpoint &endpoint, const WdaFormat &wanted) override;

  private:
    class Session;
    // With the module of that control node; opened at the first request.
    Result<Session *> session(const std::string &control);

    std::function<void(const std::string &)> note_;
    std::chrono::seconds timeout_ = default_timeout;
    std::unique_ptr<Session> session_;
};
