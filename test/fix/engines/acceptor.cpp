// A small acceptor on QuickFIX for the tests of FIX sessions: the engine holds the session and logs every
// message, which is the ledger; this is the market, which executes each order as its instrument says. It
// keeps orders in memory alone: one that the engine hands over again gets the same reports under the
// same ids.
//
//   acceptor SETTINGS [at-once|stepped] [SYMBOL=COURSE …]
//
// A course is the parts that are executed, or `halves`, or `whole`, and an end: `2.5,4:cancel` cancels the
// rest, `:refuse` refuses the order, `:rest` lets it rest, `:late` cancels before the last part and reports
// that all the same, `:bust` declares the last part void. `*` stands for all other instruments.
// Stepped, orders rest until they are told on standard input:
//
//   step SHARE   executes that share of what is left of every open order, and answers "stepped"
//   numbers      answers "numbers IN OUT": the number that is expected, and the one that is next

#include <quickfix/Application.h>
#include <quickfix/FileLog.h>
#include <quickfix/FileStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>

#include <cmath>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

/** Quantities are counted in thousandths, never in floating point. */
long thousandths(const std::string& text) {
  const auto point = text.find('.');
  const std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  return std::stol(text.substr(0, point) + (fraction + "000").substr(0, 3));
}

std::string quantity(long amount) {
  std::string text = std::to_string(amount / 1000);
  if (amount % 1000 == 0) return text;
  std::string fraction = std::to_string(1000 + amount % 1000).substr(1);
  while (fraction.back() == '0') fraction.pop_back();
  return text + "." + fraction;
}

struct Course {
  std::string parts = "halves";
  std::string end;
};

struct Order {
  std::string name, symbol;
  long whole = 0, sold = 0;
  std::vector<long> parts;
  size_t executed = 0;
  std::string end;
  /** OrdStatus (39). */
  std::string status = "0";

  bool isOpen() const { return status == "0" || status == "1"; }
};

}  // namespace

class Market : public FIX::Application {
public:
  Market(std::map<std::string, Course> courses, bool isStepped)
      : courses(std::move(courses)), isStepped(isStepped) {}

  void onCreate(const FIX::SessionID& session) override { own = session; }
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::RejectLogon) override {}

  void fromApp(const FIX::Message& message, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::UnsupportedMessageType) override {
    std::lock_guard<std::mutex> guard(lock);
    const std::string type = message.getHeader().getField(35);
    if (type == "D") return take(message);
    if (type == "F") return cancel(message);
    if (type == "H") return tell(message.getField(11));
    if (type == "AF") return tellAll(message.getField(584));
    throw FIX::UnsupportedMessageType();
  }

  void step(double share) {
    std::lock_guard<std::mutex> guard(lock);
    for (auto& entry : orders) execute(entry.second, share);
  }

  std::string numbers() const {
    FIX::Session* session = FIX::Session::lookupSession(own);
    return std::to_string(session->getExpectedTargetNum()) + " " +
           std::to_string(session->getExpectedSenderNum());
  }

private:
  Course courseOf(const std::string& symbol) const {
    for (const auto& name : {symbol, std::string("*")}) {
      const auto found = courses.find(name);
      if (found != courses.end()) return found->second;
    }
    return Course();
  }

  void take(const FIX::Message& message) {
    const Course course = courseOf(message.getField(55));
    Order order;
    order.name = message.getField(11);
    order.symbol = message.getField(55);
    order.whole = thousandths(message.getField(38));
    order.end = course.end;
    if (course.end == "refuse") {
      order.status = "8";
      orders[order.name] = order;
      return report(order, "8", order.name + "-0", {});
    }
    order.parts = partsOf(course.parts, order.whole);
    report(order, "0", order.name + "-0", {});
    if (!isStepped) execute(order, 1);
    // What is at its end is the ledger's; engines are held up by memory that grows.
    if (order.isOpen() || isStepped) orders[order.name] = order;
  }

  static std::vector<long> partsOf(const std::string& text, long whole) {
    if (text == "whole") return {whole};
    if (text == "halves") return {whole / 2, whole - whole / 2};
    std::vector<long> parts;
    std::istringstream list(text);
    for (std::string part; std::getline(list, part, ',');) parts.push_back(thousandths(part));
    return parts;
  }

  void execute(Order& order, double share) {
    if (!order.isOpen() || order.end == "rest") return;
    const size_t left = order.parts.size() - order.executed;
    for (size_t i = std::ceil(left * share); i > 0; i -= 1) {
      if (order.end == "late" && order.executed + 1 == order.parts.size()) end(order, order.name);
      trade(order);
    }
    if (order.executed < order.parts.size()) return;
    if (order.end == "cancel") end(order, order.name);
    if (order.end == "bust") bust(order);
  }

  void trade(Order& order) {
    const long part = order.parts[order.executed];
    order.executed += 1;
    order.sold += part;
    if (order.isOpen()) order.status = order.sold == order.whole ? "2" : "1";
    report(order, "F", order.name + "-" + std::to_string(order.executed), {part});
  }

  void bust(Order& order) {
    order.sold -= order.parts.back();
    const std::string last = order.name + "-" + std::to_string(order.executed);
    report(order, "H", order.name + "-bust", {}, "", {{19, last}});
  }

  void end(Order& order, const std::string& request) {
    order.status = "4";
    report(order, "4", order.name + "-end", {}, request);
  }

  void cancel(const FIX::Message& request) {
    const std::string name = request.getField(41);
    const auto found = orders.find(name);
    if (found != orders.end() && found->second.isOpen()) {
      return end(found->second, request.getField(11));
    }
    FIX::Message reject;
    reject.getHeader().setField(35, "9");
    reject.setField(37, "NONE");
    reject.setField(11, request.getField(11));
    reject.setField(41, name);
    reject.setField(39, "2");
    reject.setField(434, "1");
    reject.setField(102, "0");
    FIX::Session::sendToTarget(reject, own);
  }

  /** Answers the question about one order. */
  void tell(const std::string& name) {
    const auto found = orders.find(name);
    if (found != orders.end()) return report(found->second, "I", "0", {});
    Order unknown;
    unknown.name = name;
    unknown.symbol = "[N/A]";
    unknown.status = "8";
    report(unknown, "I", "0", {}, "", {{103, "5"}, {37, "NONE"}});
  }

  /** Answers the question about all orders: those that are open, and how many they are (911, 912). */
  void tellAll(const std::string& question) {
    std::vector<Order*> open;
    for (auto& entry : orders) {
      if (entry.second.isOpen()) open.push_back(&entry.second);
    }
    const std::string count = std::to_string(open.size());
    for (size_t i = 0; i < open.size(); i += 1) {
      const std::string isLast = i + 1 == open.size() ? "Y" : "N";
      report(*open[i], "I", "0", {}, "", {{584, question}, {911, count}, {912, isLast}});
    }
  }

  void report(const Order& order, const std::string& kind, const std::string& id,
              const std::vector<long>& part, const std::string& request = "",
              const std::vector<std::pair<int, std::string>>& more = {}) {
    FIX::Message report;
    report.getHeader().setField(35, "8");
    report.setField(37, "Q" + order.name);
    report.setField(11, request.empty() ? order.name : request);
    if (!request.empty() && request != order.name) report.setField(41, order.name);
    report.setField(17, id);
    report.setField(150, kind);
    report.setField(39, order.status);
    report.setField(55, order.symbol);
    report.setField(54, "2");
    if (!part.empty()) {
      report.setField(32, quantity(part.front()));
      report.setField(31, "12.34");
    }
    report.setField(151, order.isOpen() ? quantity(order.whole - order.sold) : "0");
    report.setField(14, quantity(order.sold));
    report.setField(6, "0");
    for (const auto& field : more) report.setField(field.first, field.second);
    FIX::Session::sendToTarget(report, own);
  }

  const std::map<std::string, Course> courses;
  const bool isStepped;
  FIX::SessionID own;
  std::mutex lock;
  std::map<std::string, Order> orders;
};

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: acceptor SETTINGS [at-once|stepped] [SYMBOL=COURSE ...]\n";
    return 2;
  }
  const bool isStepped = count > 2 && std::string(arguments[2]) == "stepped";
  std::map<std::string, Course> courses;
  for (int i = 3; i < count; i += 1) {
    const std::string rule = arguments[i];
    const auto equals = rule.find('=');
    const auto colon = rule.find(':');
    Course course;
    course.parts = rule.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
    if (colon != std::string::npos) course.end = rule.substr(colon + 1);
    courses[rule.substr(0, equals)] = course;
  }
  FIX::SessionSettings settings(arguments[1]);
  Market market(courses, isStepped);
  FIX::FileStoreFactory store(settings);
  FIX::FileLogFactory log(settings);
  FIX::SocketAcceptor acceptor(market, store, settings, log);
  acceptor.start();
  std::cout << "listens" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    double share = 1;
    words >> command >> share;
    if (command == "step") market.step(share);
    if (command == "step") std::cout << "stepped" << std::endl;
    if (command == "numbers") std::cout << "numbers " << market.numbers() << std::endl;
  }
  for (;;) pause();
}
