# Bring levels to one spelling: trace, debug, info, warning, error, critical. A line without one is `info`.
#
# Numbers are those of pino and bunyan (10 to 60) and of syslog (0 to 7); under the name `severity_number` they are
# OpenTelemetry's, 1 to 24. The source's spelling stays in `log.original_level` where it is another word.

LEVELS = {
  "trace" => %w[trace trce trc verbose vrb v finest finer silly all notset],
  "debug" => %w[debug debg dbg dbug d fine config],
  "info" => %w[info information informational inf i notice note n log success default statement hint detail],
  "warning" => %w[warning warn wrn w],
  "error" => %w[error err eror erro e severe failure fail],
  "critical" => %w[critical crit crt c fatal ftl f panic dpanic p emergency emerg alert a off]
}.flat_map { |level, words| words.map { |word| [word, level] } }.to_h.freeze
SYSLOG = %w[critical critical critical error warning info info debug].freeze
PINO = { 10 => "trace", 20 => "debug", 30 => "info", 40 => "warning", 50 => "error", 60 => "critical" }.freeze
OPEN_TELEMETRY = %w[trace debug info warning error critical].freeze
SAID = /\A(?:\S+\s+){0,4}[\[(]?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC)[\])]?(?::|\s)/

def register(_params)
end

def filter(event)
  line = event.get("line") or return [event]
  said = line["log.level"]
  said = line["message"].to_s[0, 200][SAID, 1] if said.nil?
  level = read_level(said, line.delete("severity_number") || line.delete("severityNumber"))
  line["log.original_level"] = said.to_s unless said.nil? || level == said.to_s.downcase
  line["log.level"] = level || (failed?(line) ? "error" : "info")
  event.set("line", line)
  [event]
end

# Without a level, an exception and an answer of 500 or more are errors.
def failed?(line)
  line.key?("error.stack_trace") || line["http.response.status_code"].to_s.match?(/\A5\d\d\z/)
end

def read_level(said, severity_number)
  text = said.to_s.strip.downcase
  return LEVELS[text] if LEVELS.key?(text)
  return OPEN_TELEMETRY[((severity_number.to_i - 1) / 4).clamp(0, 5)] if severity_number.to_s.match?(/\A\d{1,2}\z/)
  return LEVELS[text[/\A[a-z]+/]] unless text.match?(/\A\d{1,2}\z/)
  number = text.to_i
  number < 8 ? SYSLOG[number] : PINO[(number / 10 * 10).clamp(10, 60)]
end

test "a level of pino" do
  parameters { {} }
  in_event { { "line" => { "log.level" => 50 } } }
  expect("is a word") { |events| events.first.get("[line][log.level]") == "error" }
end
