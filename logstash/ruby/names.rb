# Give the fields of a line their names of the Elastic Common Schema; `names.yml` says which are which.
#
# A value that does not fit its field (`status: ok` is no status code) keeps the name that it has.
require "ipaddr"
require "json"
require "yaml"

NUMBERS = %w[long float].freeze
CALLER = /\A(?<file>[^\s:]{1,200}):(?<line>\d{1,7})\z/

def register(params)
  @names = YAML.safe_load_file(params["names"])
  @types = {}
  read_types(JSON.parse(File.read(params["mappings"]))["template"]["mappings"]["properties"], "")
end

def read_types(properties, prefix)
  properties.each do |name, field|
    field["properties"] ? read_types(field["properties"], "#{prefix}#{name}.") : @types[prefix + name] = field["type"]
  end
end

def filter(event)
  line = event.get("line") or return [event]
  @names.each do |field, names|
    next if line.key?(field)
    name = names.find { |one| line.key?(one) && fits?(field, line[one]) } or next
    line[field] = line.delete(name)
  end
  read_caller(line)
  read_outcome(line)
  split_query(line)
  read_duration(line)
  json = line.delete("json")
  line["message"] = json || line["message"].to_s unless line["message"].is_a?(String)
  event.set("line", line)
  [event]
end

def fits?(field, value)
  return false if value.is_a?(Array)
  case @types[field]
  when *NUMBERS then value.to_s.match?(/\A[+-]?\d+(?:\.\d+)?\z/)
  when "boolean" then [true, false, "true", "false"].include?(value)
  when "ip" then address?(value)
  when "keyword", "match_only_text", "wildcard" then value.is_a?(String) || value.is_a?(Numeric)
  else true
  end
end

def address?(value)
  IPAddr.new(value.to_s) && !value.to_s.include?("/")
rescue IPAddr::Error
  false
end

# `caller` of zap and klog, `source` of slog: `main.go:12`
def read_caller(line)
  %w[caller source].each do |name|
    found = line[name].is_a?(String) && CALLER.match(line[name]) or next
    next if line.key?("log.origin.file.name")
    line.delete(name)
    line["log.origin.file.name"] = found["file"]
    line["log.origin.file.line"] = found["line"].to_i
  end
end

def read_outcome(line)
  return if line.key?("event.outcome") || ![true, false].include?(line["success"])
  line["event.outcome"] = line.delete("success") ? "success" : "failure"
end

def split_query(line)
  path, query = line["url.path"].to_s.split("?", 2)
  return if query.nil?
  line["url.path"] = path
  line["url.query"] ||= query
end

# ECS has nanoseconds; people read milliseconds.
def read_duration(line)
  milliseconds, nanoseconds = line.values_at("duration_ms", "event.duration")
  if nanoseconds.nil? && milliseconds.is_a?(Numeric)
    line["event.duration"] = (milliseconds * 1_000_000).round
  elsif milliseconds.nil? && nanoseconds.is_a?(Numeric)
    line["duration_ms"] = nanoseconds / 1_000_000.0
  end
end
