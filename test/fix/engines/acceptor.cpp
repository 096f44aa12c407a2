// A small acceptor on QuickFIX for the tests of FIX sessions: the engine holds the session and logs every
// message, which is the ledger; this is the market, which fills each order in two halves. It remembers
// nothing: an order that the engine hands over again gets the same reports under the same ids.
//
//   acceptor SETTINGS [REFUSED_SYMBOL]

#include <quickfix/Application.h>
#include <quickfix/FileLog.h>
#include <quickfix/FileStore.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>

#include <iostream>
#include <string>
#include <unistd.h>

class Market : public FIX::Application {
public:
  explicit Market(const std::string& refused) : refused(refused) {}

  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::RejectLogon) override {}

  void fromApp(const FIX::Message& message, const FIX::SessionID& session) throw(
      FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue,
      FIX::UnsupportedMessageType) override {
    const std::string type = message.getHeader().getField(35);
    if (type == "D") return take(message, session);
    if (type == "F") return refuseCancel(message, session);
    throw FIX::UnsupportedMessageType();
  }

private:
  struct Says {
    std::string id, kind, status, quantity, cumulative;
  };

  void take(const FIX::Message& order, const FIX::SessionID& session) {
    const std::string name = order.getField(11);
    if (order.getField(55) == refused) {
      return report(order, session, {name + "-0", "8", "8", "", "0"});
    }
    // Halves of a quantity that the tests make even.
    const std::string whole = order.getField(38);
    const std::string half = std::to_string(std::stol(whole) / 2);
    report(order, session, {name + "-0", "0", "0", "", "0"});
    report(order, session, {name + "-1", "F", "1", half, half});
    report(order, session, {name + "-2", "F", "2", half, whole});
  }

  void report(const FIX::Message& order, const FIX::SessionID& session, const Says& says) {
    FIX::Message report;
    report.getHeader().setField(35, "8");
    report.setField(37, "Q" + order.getField(11));
    report.setField(11, order.getField(11));
    report.setField(17, says.id);
    report.setField(150, says.kind);
    report.setField(39, says.status);
    report.setField(55, order.getField(55));
    report.setField(54, "2");
    if (!says.quantity.empty()) {
      report.setField(32, says.quantity);
      report.setField(31, "12.34");
    }
    report.setField(151, says.status == "2" ? "0" : order.getField(38));
    report.setField(14, says.cumulative);
    report.setField(6, "0");
    FIX::Session::sendToTarget(report, session);
  }

  void refuseCancel(const FIX::Message& request, const FIX::SessionID& session) {
    FIX::Message reject;
    reject.getHeader().setField(35, "9");
    reject.setField(37, "NONE");
    reject.setField(11, request.getField(11));
    reject.setField(41, request.getField(41));
    reject.setField(39, "2");
    reject.setField(434, "1");
    reject.setField(102, "0");
    FIX::Session::sendToTarget(reject, session);
  }

  const std::string refused;
};

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: acceptor SETTINGS [REFUSED_SYMBOL]\n";
    return 2;
  }
  FIX::SessionSettings settings(arguments[1]);
  Market market(count > 2 ? arguments[2] : "");
  FIX::FileStoreFactory store(settings);
  FIX::FileLogFactory log(settings);
  FIX::SocketAcceptor acceptor(market, store, settings, log);
  acceptor.start();
  std::cout << "listens" << std::endl;
  for (;;) pause();
}
