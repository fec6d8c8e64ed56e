// SPDX-License-Identifier: GPL-2.0
// The family is written down three times: in the header for C, in YAML for other languages, and in
// the header's comments for people. None may say what another does not.
#include <cctype>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <yaml-cpp/yaml.h>

namespace {

using Enumerators = std::map<std::string, int>;

std::string read(const std::string &path) {
    std::ifstream in(REPOSITORY "/" + path);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_FALSE(text.str().empty()) << path;
    return text.str();
}

// What the header says.
struct Header {
    std::map<std::string, Enumerators> enums;   // without the MAX ones
    std::map<std::string, std::string> defines; // strings without their quotes
    std::map<std::string, std::string> types;   // of attributes, as the comments have it

    Header() {
        const std::string text = read("driver/uapi/linux/qmi_wwan_q.h");
        each(text, R"(enum (\w+) \{([^}]*)\};)", [&](const std::smatch &m) {
            int value = -1;
            Enumerators &enumerators = enums[m[1]];
            each(m[2], R"((\w+)( = ([^,\n]+))?)", [&](const std::smatch &e) {
                const std::string name = e[1];
                if (name.ends_with("_MAX"))
                    return;
                value = e[3].matched ? std::stoi(e[3]) : value + 1;
                enumerators[name] = value;
            });
        });
        each(text, R"(#define (QMI_WWAN_Q_\w+)\s+\"?([^\s\"]+))",
             [&](const std::smatch &m) { defines[m[1]] = m[2]; });
        each(text, R"(\* @(QMI_WWAN_Q_A_\w+): (\w+))",
             [&](const std::smatch &m) { types[m[1]] = m[2]; });
    }

    static void each(const std::string &text, const std::string &pattern,
                     const std::function<void(const std::smatch &)> &take) {
        const std::regex regex(pattern);
        for (std::sregex_iterator m(text.begin(), text.end(), regex), end; m != end; ++m)
            take(*m);
    }
};

const YAML::Node &spec() {
    static const YAML::Node node = YAML::Load(read("Documentation/netlink/specs/qmi_wwan_q.yaml"));
    return node;
}

// As the kernel's generators make names of C.
std::string c_name(std::string name) {
    for (char &c : name)
        c = c == '-' ? '_' : char(std::toupper(c));
    return name;
}

std::string c_lower(std::string name) {
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string text_of(const YAML::Node &node) {
    return node ? node.as<std::string>() : "";
}

// A list of named entries, each with the value that it states or the next.
Enumerators numbered(const YAML::Node &list, const std::string &prefix, int first) {
    Enumerators enumerators;
    int next = first;
    for (const YAML::Node &entry : list) {
        const int value = entry["value"] ? entry["value"].as<int>() : next;
        enumerators[c_name(prefix + text_of(entry["name"]))] = value;
        next = value + 1;
    }
    return enumerators;
}

// Every enum of the YAML, by its name in C.
std::map<std::string, Enumerators> enums_of_spec() {
    std::map<std::string, Enumerators> enums;
    const YAML::Node operations = spec()["operations"];
    enums[c_lower(text_of(operations["enum-name"]))] =
        numbered(operations["list"], text_of(operations["name-prefix"]), 1);
    for (const YAML::Node &set : spec()["attribute-sets"])
        enums[c_lower(text_of(set["enum-name"]))] =
            numbered(set["attributes"], text_of(set["name-prefix"]), 1);
    for (const YAML::Node &definition : spec()["definitions"]) {
        const std::string name = text_of(definition["name"]);
        if (text_of(definition["type"]) == "enum")
            enums["qmi_wwan_q_" + c_lower(name)] =
                numbered(definition["entries"], "qmi-wwan-q-" + name + "-", 0);
    }
    return enums;
}

YAML::Node attribute_set(const std::string &name) {
    for (const YAML::Node &set : spec()["attribute-sets"])
        if (text_of(set["name"]) == name)
            return set;
    return YAML::Node(YAML::NodeType::Undefined);
}

std::set<std::string> names_of(const YAML::Node &list) {
    std::set<std::string> names;
    for (const YAML::Node &entry : list)
        names.insert(text_of(entry.IsMap() ? entry["name"] : entry));
    return names;
}

TEST(NetlinkSpec, SameNamesAndNumbersAsTheHeader) {
    const Header header;
    std::map<std::string, Enumerators> of_header = header.enums;
    // Of rtnetlink, which has a specification of its own.
    EXPECT_EQ(of_header.erase("qmi_wwan_q_ifla"), 1u);
    EXPECT_EQ(of_header.size(), 6u);
    EXPECT_EQ(enums_of_spec(), of_header);
}

TEST(NetlinkSpec, SameConstantsAsTheHeader) {
    std::map<std::string, std::string> of_header = Header().defines;
    std::erase_if(of_header,
                  [](const auto &define) { return define.first.starts_with("QMI_WWAN_Q_IOC_"); });
    std::map<std::string, std::string> of_spec = {
        {c_name(text_of(spec()["c-family-name"])), text_of(spec()["name"])},
        {c_name(text_of(spec()["c-version-name"])), text_of(spec()["version"])}};
    for (const YAML::Node &group : spec()["mcast-groups"]["list"])
        of_spec[c_name("qmi-wwan-q-mcgrp-" + text_of(group["name"]))] = text_of(group["name"]);
    for (const YAML::Node &definition : spec()["definitions"])
        if (text_of(definition["type"]) == "const")
            of_spec[c_name("qmi-wwan-q-" + text_of(definition["name"]))] =
                text_of(definition["value"]);
    EXPECT_EQ(of_spec, of_header);
    EXPECT_EQ(text_of(spec()["uapi-header"]), "linux/qmi_wwan_q.h");
}

TEST(NetlinkSpec, SameTypesAsTheHeadersComments) {
    std::map<std::string, std::string> of_spec;
    for (const YAML::Node &set : spec()["attribute-sets"])
        for (const YAML::Node &attribute : set["attributes"])
            of_spec[c_name(text_of(set["name-prefix"]) + text_of(attribute["name"]))] =
                text_of(attribute["type"]);
    EXPECT_EQ(of_spec, Header().types);
}

// Of an event, or of what is asked and answered; none if there is no such thing.
std::set<std::string> attributes_of(const YAML::Node &node) {
    if (!node)
        return {};
    std::set<std::string> names = names_of(node["attributes"]);
    for (const char *part : {"request", "reply"})
        if (node[part])
            names.merge(names_of(node[part]["attributes"]));
    return names;
}

// Whatever an operation, a nest or an attribute refers to exists.
TEST(NetlinkSpec, RefersToWhatThereIs) {
    const std::set<std::string> definitions = names_of(spec()["definitions"]);
    for (const YAML::Node &set : spec()["attribute-sets"])
        for (const YAML::Node &attribute : set["attributes"]) {
            const std::string name = text_of(attribute["name"]);
            if (text_of(attribute["type"]) == "nest") {
                EXPECT_TRUE(attribute_set(text_of(attribute["nested-attributes"]))) << name;
            }
            if (attribute["enum"]) {
                EXPECT_TRUE(definitions.contains(text_of(attribute["enum"]))) << name;
            }
        }
    const YAML::Node operations = spec()["operations"]["list"];
    const std::set<std::string> commands = names_of(operations);
    const std::set<std::string> groups = names_of(spec()["mcast-groups"]["list"]);
    for (const YAML::Node &operation : operations) {
        const std::string name = text_of(operation["name"]);
        const bool tells = operation["notify"] || operation["event"];
        EXPECT_EQ(name.ends_with("-ntf"), tells) << name;
        EXPECT_EQ(groups.contains(text_of(operation["mcgrp"])), tells) << name;
        // What sets needs the capability; what only asks does not.
        EXPECT_EQ(bool(operation["flags"]), !tells && name != "dev-get") << name;
        if (operation["notify"]) {
            EXPECT_TRUE(commands.contains(text_of(operation["notify"]))) << name;
            continue;
        }
        const YAML::Node set = attribute_set(text_of(operation["attribute-set"]));
        ASSERT_TRUE(set) << name;
        const std::set<std::string> attributes = names_of(set["attributes"]);
        for (const char *kind : {"do", "dump", "event"})
            for (const std::string &attribute : attributes_of(operation[kind]))
                EXPECT_TRUE(attributes.contains(attribute)) << name << " " << attribute;
    }
}

} // namespace
