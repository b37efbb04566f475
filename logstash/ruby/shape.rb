# Make the document of a line, so that it fits the mapping: nothing that Elasticsearch would refuse, nothing lost.
#
# The mapping is the list of fields (elasticsearch/component-templates/vectorwatch-logs-mappings.json). What it does
# not have, and a value that does not fit its field, stands under `attributes`; what is too long is cut and the
# document tagged `truncated`.
require "ipaddr"
require "json"

MOST_TEXT = 100_000 # characters of a message or a stack trace
MOST_ATTRIBUTE = 8_192
MOST_ATTRIBUTES_TOTAL = 200_000
MOST_ATTRIBUTE_NAME = 512
MOST_ITEMS = 100
MOST_TAGS = 20
MOST_TAG = 100
WHOLE = /\A[+-]?\d{1,19}(?:\.0+)?\z/
DECIMAL = /\A[+-]?\d{1,300}(?:\.\d+)?(?:[eE][+-]?\d{1,3})?\z/
DATE = /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\z/
LONG = -(2**63)..(2**63 - 1)
FLOAT = 3.4028234e38

def register(params)
  @fields = {}
  read_fields(JSON.parse(File.read(params["mappings"]))["template"]["mappings"]["properties"], "")
  @open = @fields.select { |_name, field| field["type"] == "flattened" }.keys - ["attributes"]
end

def read_fields(properties, prefix)
  properties.each do |name, field|
    field["properties"] ? read_fields(field["properties"], "#{prefix}#{name}.") : @fields[prefix + name] = field
  end
end

def filter(event)
  line = event.get("line") or return [event]
  document = {}
  attributes = {}
  cut = false
  tags = [event.get("tags"), line.delete("tags")].flatten.compact.map(&:to_s)
  line.each do |name, value|
    next if name.start_with?("data_stream.")
    fitted, shortened = fit(name, value)
    cut ||= shortened
    if fitted.nil?
      attributes[name.delete_prefix("attributes.")[0, MOST_ATTRIBUTE_NAME]] = value
    else
      put(document, name, fitted)
    end
  end
  document["attributes"], shortened = bound(attributes) unless attributes.empty?
  tags << "truncated" if cut || shortened
  document["tags"] = tags.uniq.first(MOST_TAGS).map { |tag| tag[0, MOST_TAG] } unless tags.empty?
  replace(event, document)
  [event]
end

# Return the value as its field takes it, and whether it was cut; nil where there is no such field or it does not fit.
def fit(name, value)
  field = @fields[name]
  if field.nil?
    open = @open.find { |prefix| name.start_with?("#{prefix}.") }
    return open ? cut(value.is_a?(Array) ? value.join(", ") : value.to_s, 1024) : nil
  end
  case field["type"]
  when "keyword", "wildcard", "match_only_text" then fit_text(value, field["ignore_above"] || MOST_TEXT)
  when "long" then WHOLE.match?(value.to_s) && LONG.cover?(value.to_i) ? value.to_i : nil
  when "float" then fit_float(value)
  when "boolean" then { "true" => true, "false" => false }[value.to_s]
  when "date" then DATE.match?(value.to_s) ? value.to_s : nil
  when "ip" then address?(value) ? value : nil
  end
end

def fit_text(value, most)
  return cut(value.to_s, most) unless value.is_a?(Array)
  items = value.first(MOST_ITEMS).map { |item| cut(item.to_s, most) }
  [items.map(&:first), value.size > MOST_ITEMS || items.any?(&:last)]
end

def cut(text, most)
  text.length > most ? [text[0, most], true] : [text, false]
end

def fit_float(value)
  return nil unless value.is_a?(Numeric) || DECIMAL.match?(value.to_s)
  value.to_f.abs <= FLOAT ? value.to_f : nil
end

def address?(value)
  value.is_a?(String) && !value.match?(/[\/%]/) && IPAddr.new(value) && true
rescue IPAddr::Error
  false
end

def bound(attributes)
  total = 0
  shortened = false
  bounded = attributes.each_with_object({}) do |(name, value), kept|
    if value.is_a?(String) && value.length > MOST_ATTRIBUTE
      value = value[0, MOST_ATTRIBUTE]
      shortened = true
    end
    total += name.length + value.to_s.length
    total > MOST_ATTRIBUTES_TOTAL ? shortened = true : kept[name] = value
  end
  [bounded, shortened]
end

def put(document, name, value)
  open = @open.find { |prefix| name.start_with?("#{prefix}.") }
  *path, last = open ? open.split(".") + [name.delete_prefix("#{open}.")] : name.split(".")
  path.reduce(document) { |place, part| place[part] ||= {} }[last] = value
end

def replace(event, document)
  event.to_hash.each_key do |name|
    event.remove(name) unless name == "@timestamp" || name.start_with?("[")
  end
  document.each { |name, value| event.set(name, value) }
end

test "fields that the mapping has and has not" do
  parameters { { "mappings" => "/usr/share/logstash/mappings/vectorwatch-logs-mappings.json" } }
  in_event { { "line" => { "message" => "x", "log.level" => "info", "client.ip" => "no address", "a.b" => 1 } } }
  expect("become a document") do |events|
    document = events.first
    document.get("[log][level]") == "info" && document.get("attributes") == { "client.ip" => "no address", "a.b" => 1 }
  end
end
