// SPDX-License-Identifier: GPL-2.0
// As much of JSON Schema as the schema uses. A keyword that is not known here is a violation, so
// that none goes unchecked.
#include "schema.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

namespace {

using nlohmann::json;

class Checker {
  public:
    explicit Checker(const json &root) : root_(root) {}

    // `at` is where in the text; empty if all is well.
    std::string check(const json &value, const json &schema, const std::string &at) const {
        for (const auto &[keyword, wanted] : schema.items()) {
            const std::string wrong = check_keyword(value, schema, keyword, wanted, at);
            if (!wrong.empty())
                return wrong;
        }
        return "";
    }

  private:
    std::string check_keyword(const json &value, const json &schema, const std::string &keyword,
                              const json &wanted, const std::string &at) const {
        const auto unless = [&](bool right) {
            return right ? ""
                         : fmt::format("{}: {} {}: {}", at, keyword, wanted.dump(), value.dump());
        };
        if (keyword == "description")
            return "";
        if (keyword == "$ref")
            return check(value, root_.at(json::json_pointer(wanted.get<std::string>().substr(1))),
                         at);
        if (keyword == "type")
            return unless(wanted.is_string() ? has_type(value, wanted)
                                             : std::ranges::any_of(wanted, [&](const json &type) {
                                                   return has_type(value, type);
                                               }));
        if (keyword == "enum")
            return unless(std::ranges::find(wanted, value) != wanted.end());
        if (keyword == "minimum")
            return unless(!value.is_number() || value >= wanted);
        if (keyword == "pattern")
            return unless(
                std::regex_search(value.get<std::string>(), std::regex(wanted.get<std::string>())));
        if (keyword == "anyOf")
            return unless(std::ranges::any_of(
                wanted, [&](const json &one) { return check(value, one, at).empty(); }));
        if (keyword == "required")
            return unless(
                std::ranges::all_of(wanted, [&](const json &key) { return value.contains(key); }));
        if (keyword == "additionalProperties")
            return unless(wanted == false && std::ranges::all_of(value.items(), [&](auto &&item) {
                              return schema.at("properties").contains(item.key());
                          }));
        if (keyword == "properties")
            return check_properties(value, wanted, at);
        if (keyword == "items")
            return check_items(value, wanted, at);
        return fmt::format("{}: the schema has an unknown keyword {}", at, keyword);
    }

    std::string check_properties(const json &value, const json &properties,
                                 const std::string &at) const {
        for (const auto &[key, schema] : properties.items())
            if (value.contains(key))
                if (std::string wrong = check(value[key], schema, at + "." + key); !wrong.empty())
                    return wrong;
        return "";
    }

    std::string check_items(const json &value, const json &schema, const std::string &at) const {
        for (size_t i = 0; i < value.size(); i++)
            if (std::string wrong = check(value[i], schema, fmt::format("{}[{}]", at, i));
                !wrong.empty())
                return wrong;
        return "";
    }

    static bool has_type(const json &value, const std::string &type) {
        if (type == "number")
            return value.is_number();
        if (type == "integer")
            return value.is_number_integer();
        return type == value.type_name();
    }

    const json &root_;
};

} // namespace

std::string violation(const std::string &text, const std::string &definition) {
    std::ifstream file(SOURCE_ROOT "/Documentation/qmapctl.schema.json");
    const json root = json::parse(file, nullptr, false);
    if (root.is_discarded())
        return "the schema is not JSON";
    const json value = json::parse(text, nullptr, false);
    if (value.is_discarded())
        return "not JSON: " + text;
    return Checker(root).check(value, root.at("$defs").at(definition), definition);
}
