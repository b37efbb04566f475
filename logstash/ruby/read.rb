# Read the text of an event. One JSON object becomes `line`: its fields by dotted name, `{"a": {"b": 1}}` as `a.b`.
# Any other text becomes `line` with `message` alone. A body of the HTTP input may hold an array of objects, or many
# lines; each becomes an event of its own.
#
# Whatever is read here is clean: UTF-8, no null bytes, no number that JSON lacks, nothing nested but short lists.
require "json"

MOST_DEPTH = 20 # deeper objects become JSON text
MOST_NESTING = 100 # a line nested deeper is text
MOST_FIELDS = 300 # the others become the JSON text `more_fields`
MOST_ITEMS = 50 # a longer list, such as a vector, becomes JSON text
MOST_KEY_CHARACTERS = 256
LONG = -(2**63)..(2**63 - 1)
# Half of a pair of UTF-16, which is no character; Python writes such of a name that is no UTF-8.
HALVES = /\\u[dD][89abAB]\h{2}(?!\\u[dD][c-fC-F]\h{2})|(?<!\\u[dD][89abAB]\h{2})\\u[dD][c-fC-F]\h{2}/
BYTE_ORDER_MARK = "\uFEFF" # the first line of a file that Windows wrote
COLOURS = /\e\[[\d;?]*[A-Za-z]/

def register(_params)
end

def filter(event)
  return [event] if event.get("line")
  text = clean_text(event.get("message").to_s).sub(/[\r\n]+\z/, "").delete_prefix(BYTE_ORDER_MARK)
  sender = event.get("[@metadata][arrived_by]")
  # What Logstash's inputs say of the sender's connection is not about the line.
  forget_all(event) unless sender == "beats"
  event.remove("message")
  event.remove("event")
  lines = sender == "http" ? read_body(text) : [read_line(text)]
  lines[1..].to_a.map { |line| put(event.clone, line) }.unshift(put(event, lines.first || read_line("")))
end

def put(event, line)
  event.tag("_jsonparsefailure") if line.delete("unreadable")
  event.set("[@metadata][bare]", true) if line.keys == ["message"]
  event.set("line", line)
  event
end

def forget_all(event)
  event.to_hash.each_key { |name| event.remove(name) unless name.start_with?("@timestamp", "message", "[") }
end

# Return the lines of an HTTP body: one object, an array of them, or one object or text a line.
def read_body(text)
  parsed = parse(text.strip)
  case parsed
  when Hash then [read_object(parsed, text)]
  when Array then parsed.map { |item| item.is_a?(Hash) ? read_object(item, write_json(item)) : read_line(item.to_s) }
  else text.split("\n").reject { |line| line.strip.empty? }.map { |line| read_line(line) }
  end
end

def read_line(text)
  start = text.lstrip
  return { "message" => text } unless start.start_with?("{")
  parsed = parse(start.rstrip)
  parsed.is_a?(Hash) ? read_object(parsed, text) : { "message" => text, "unreadable" => true }
end

def parse(text)
  text = text.gsub(HALVES, "\\ufffd") if text.match?(/\\u[dD]/)
  JSON.parse(text, max_nesting: MOST_NESTING, allow_nan: true, allow_duplicate_key: true)
rescue StandardError
  nil
end

def read_object(object, text)
  line = {}
  flatten(object, "", 1, line, rest = {})
  line["more_fields"] = write_json(rest) unless rest.empty?
  line["json"] = text # what a line without a message shows
  line
end

def flatten(object, prefix, depth, line, rest)
  object.each do |key, value|
    name = prefix + clean_key(key)
    if value.is_a?(Hash) && !value.empty? && depth < MOST_DEPTH
      flatten(value, "#{name}.", depth + 1, line, rest)
    else
      value = clean_value(value)
      next if value.nil? || line[name] == value
      # A second value of the same name, as in {"a.b": 1, "a": {"b": 2}}, is not lost.
      (line.size < MOST_FIELDS && !line.key?(name) ? line : rest)[name] = value
    end
  end
end

def clean_key(key)
  key = clean_text(key)[0, MOST_KEY_CHARACTERS].gsub(/\A\.+|\.+\z/, "").squeeze(".")
  key.empty? ? "_" : key
end

def clean_value(value)
  case value
  when String then clean_text(value)
  when Float then value.finite? ? value : value.to_s
  when Integer then LONG.cover?(value) ? value : value.to_s
  when Array then clean_list(value)
  when Hash then value.empty? ? nil : clean_text(write_json(value))
  else value
  end
end

def clean_list(list)
  return nil if list.empty?
  plain = list.none? { |item| item.is_a?(Hash) || item.is_a?(Array) }
  return list.compact.map { |item| clean_value(item) } if plain && list.size <= MOST_ITEMS
  clean_text(write_json(list))
end

def write_json(value)
  JSON.generate(without_nan(value), max_nesting: 0)
end

def without_nan(value)
  case value
  when Hash then value.to_h { |key, inner| [key, without_nan(inner)] }
  when Array then value.map { |inner| without_nan(inner) }
  when Float then value.finite? ? value : value.to_s
  when String then clean_text(value)
  else value
  end
end

# Valid UTF-8 without null bytes, which Elasticsearch takes in no key, and without the colours of a terminal.
def clean_text(text)
  text = text.dup.force_encoding(Encoding::UTF_8) unless text.encoding == Encoding::UTF_8
  text = text.scrub("\uFFFD") unless text.valid_encoding?
  text = text.gsub(COLOURS, "") if text.include?("\e")
  text.include?("\0") ? text.delete("\0") : text
end

test "an object" do
  parameters { {} }
  in_event { { "message" => '{"log.level":"info","a":{"b":[1,2]},"n":null}' } }
  expect("is read by dotted names") do |events|
    line = events.first.get("line")
    line["log.level"] == "info" && line["a.b"] == [1, 2] && !line.key?("n")
  end
end

test "a broken object" do
  parameters { {} }
  in_event { { "message" => '{"level":' } }
  expect("is text") { |events| events.first.get("line") == { "message" => '{"level":' } }
end
