# Take apart lines of text that programs of this stack write, so that they have a time, a level and a message.
#
# What a pattern names is a field of `line`, under a name that `names.yml` knows. Each pattern begins at the start of
# the line and repeats nothing inside a repetition, so its time is in proportion to the line.

TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| (?:UTC|GMT))?/
WORD = /TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|SEVERE|PANIC/
PATTERNS = {
  # Qdrant, and others that use Rust's `tracing`
  rust: /\A(?<time>#{TIME})\s+(?<level>#{WORD})\s+(?<logger>[\w:.-]+): (?<message>.*)\z/m,
  # Dragonfly (glog with the year) and Kubernetes' klog (without)
  glog: /\A(?<level>[IWEF])(?<time>\d{4}(?:\d{4})? \d\d:\d\d:\d\d\.\d{1,6})\s+(?<thread>\d+) (?<caller>[^\s:]+:\d+)\] (?<message>.*)\z/m,
  # Valkey, Redis
  redis: /\A(?<pid>\d+):[XCSM] (?<time>\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}) (?<level>[.*#-]) (?<message>.*)\z/m,
  # logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"), as in the requirements
  python: /\A(?<time>#{TIME}) - (?<logger>[\w.-]+) - (?<level>#{WORD}) - (?<message>.*)\z/m,
  postgres: /\A(?<time>#{TIME}) \[(?<pid>\d+)\] (?:\S+ )?(?<level>LOG|DETAIL|HINT|STATEMENT|#{WORD}):\s+(?<message>.*)\z/m,
  spring: /\A(?<time>#{TIME})\s+(?<level>#{WORD})\s+(?<pid>\d+) --- (?:\[[^\]]*\]\s+)?\[\s*(?<thread>[^\]]*)\]\s+(?<logger>\S+)\s+: (?<message>.*)\z/m,
  # Logback and Log4j, the thread before or after the level
  java: /\A(?<time>#{TIME}) (?:\[(?<thread>[^\]]+)\]\s+)?(?<level>#{WORD})\s+(?:\[(?<thread_name>[^\]]+)\]\s+)?(?<logger>[\w.$]+)(?: -|:) (?<message>.*)\z/m,
  # nginx: its errors, which are Go's `log` without the bracket
  nginx: %r{\A(?<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:\[(?<level>[a-z]+)\] (?<pid>\d+)#\d+: )?(?<message>.*)\z}m,
  uvicorn: /\A(?<level>#{WORD}):\s+(?<message>.*)\z/m,
  # whatever begins with a time and a level
  plain: /\A\[?(?<time>#{TIME})\]?\s+\[?(?<level>#{WORD})\]?[:\s]\s*(?<message>.*)\z/m,
  level: /\A\[(?<level>#{WORD})\]:?\s+(?<message>.*)\z/m
}.freeze
ACCESS = %r{\A(?<client_ip>[\da-fA-F.:]{3,45}?)(?::\d+)? - (?:(?:-|(?<user_name>\S+)) \[(?<time>[^\]]{20,30})\] )?"}
REQUEST = %r{"(?<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?<path>/[^\s"?]*)(?:\?(?<query>[^\s"]*))? HTTP/[\d.]+" (?<status_code>\d{3})\b}
PAIR = /([A-Za-z_][\w.\/-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|\z)/
REDIS_LEVELS = { "." => "debug", "-" => "debug", "*" => "info", "#" => "warning" }.freeze
POSTGRES_LEVELS = %w[LOG DETAIL HINT STATEMENT].freeze
TRACE_LINES = /^(?:\s+at \S|Traceback \(most recent call last\)|goroutine \d+ \[|panic: )/
PYTHON_ERROR = /^(?<type>[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Timeout)?)(?:: (?<text>.*))?\z/
JAVA_ERROR = /^(?:Exception in thread "[^"]*" )?(?:Caused by: )?(?<type>[a-z][\w.$]*\.[A-Z][\w$]*|[A-Z]\w*(?:Error|Exception))(?:: (?<text>.*))?$/

def register(_params)
end

def filter(event)
  line = event.get("line")
  return [event] unless line.is_a?(Hash) && line.size == 1 && line["message"].is_a?(String)
  found = read(line["message"])
  event.set("line", found)
  [event]
end

def read(text)
  line = read_pairs(text) || read_pattern(text) || { "message" => text }
  read_request(line)
  read_error(line)
  line
end

# Prometheus, Alertmanager, Grafana and other programs in Go write logfmt.
def read_pairs(text)
  return nil unless text.match?(/\A[A-Za-z_][\w.]*=/) && text.match?(/(?:\A|\s)(?:level|lvl)=/)
  line = {}
  text.scan(PAIR) { |name, quoted, bare| line[name] ||= quoted ? unquote(quoted) : bare if line.size < 100 }
  line["message"] = line.delete("msg") || line["message"] || text
  line
end

def unquote(text)
  text.gsub(/\\(.)/) { { "n" => "\n", "t" => "\t" }.fetch($1, $1) }
end

def read_pattern(text)
  PATTERNS.each do |name, pattern|
    found = pattern.match(text) or next
    line = found.named_captures.compact
    line["thread"] ||= line.delete("thread_name") if line.key?("thread_name")
    line["level"] = REDIS_LEVELS[line["level"]] if name == :redis
    line["level"] = "info" if POSTGRES_LEVELS.include?(line["level"])
    return line
  end
  nil
end

# An access line, whatever stands before it.
def read_request(line)
  found = REQUEST.match(line["message"]) or return
  line.update(found.named_captures.compact) { |_name, old, _new| old }
  client = ACCESS.match(line["message"])
  line.update(client.named_captures.compact) { |_name, old, _new| old } if client
end

# A stack trace, which Filebeat has joined to one event.
def read_error(line)
  text = line["message"]
  return unless text.include?("\n") ? text.match?(TRACE_LINES) : text.start_with?("panic: ")
  line["level"] = "error" if line["level"].nil?
  line["error.stack_trace"] = text
  found = text.include?("Traceback (most") ? PYTHON_ERROR.match(text.rstrip.split("\n").last) : JAVA_ERROR.match(text)
  return unless found
  line["error.type"] = found["type"]
  line["error.message"] = found["text"] if found["text"]
end

test "a line of Qdrant" do
  parameters { {} }
  in_event { { "line" => { "message" => "2026-11-27T06:14:31.123456Z  INFO qdrant::settings: Loaded" } } }
  expect("has its parts") do |events|
    events.first.get("line") ==
      { "time" => "2026-11-27T06:14:31.123456Z", "level" => "INFO", "logger" => "qdrant::settings", "message" => "Loaded" }
  end
end
