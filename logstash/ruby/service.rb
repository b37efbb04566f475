# Say where a line comes from: what Filebeat knows of it, and of which service its container is.
#
# The name that a line gives itself wins; then Docker's labels in the line (json-file's option `labels`), then the
# list of containers that `container-names` writes, then the beginning of the container's id, or the file's name.
require "json"

KNOWN = %w[agent.id agent.name agent.type agent.version container.id log.file.path log.offset stream].freeze
COMPOSE_SERVICE = "com.docker.compose.service"
SAYS_NOTHING = %w[ES_ECS].freeze # Elasticsearch's own logs: the name of their format
ALERTS = "alert-inbox"
CHECK_SECONDS = 5
SEEK_SECONDS = 1 # for a container that has just started
ID_CHARACTERS = 12

def register(params)
  @path = params["container_names"]
  @names = {}
  @seen = nil
  @checked = 0
end

def filter(event)
  line = event.get("line") or return [event]
  kind = event.get("[fields][log_type]") || "application"
  line["service.name"] = Array(line["service.name"]).first.to_s if line.key?("service.name")
  line.delete("service.name") if line["service.name"].to_s.strip.empty? || SAYS_NOTHING.include?(line["service.name"])
  named = line.key?("service.name")
  KNOWN.each do |name|
    value = event.get("[#{name.gsub('.', '][')}]")
    line[name] = value unless value.nil?
  end
  line["host.name"] ||= event.get("[host][name]") || event.get("[agent][name]") || line["host.hostname"]
  name_container(event, line)
  line["service.name"] ||= (ALERTS if kind == "alerts") || name_file(line["log.file.path"]) || "unknown"
  event.set("[@metadata][dataset]", choose_dataset(kind, named))
  event.tag("truncated") if Array(event.get("[log][flags]")).include?("truncated")
  event.set("[@metadata][file]", name_place(event))
  event.set("line", line)
  [event]
end

# A container whose lines name their service writes the log of an application.
def choose_dataset(kind, named)
  return "alerts" if kind == "alerts"
  kind == "container" && !named ? "container" : "application"
end

def name_container(event, line)
  id = event.get("[container][id]") or return
  labels = flatten(event.get("[docker][attrs]") || event.get("[container][labels]") || {})
  known = container_names(id)[id] || {}
  labels.each { |name, value| line["container.labels.#{name}"] = value.to_s }
  line["container.name"] = known["name"] || event.get("[container][name]")
  line["container.image.name"] = known["image"] || event.get("[container][image][name]")
  line["service.name"] ||= labels[COMPOSE_SERVICE] || known["service"] || line["container.name"] || id[0, ID_CHARACTERS]
  line.compact!
end

def flatten(object, prefix = "")
  object.each_with_object({}) do |(name, value), flat|
    value.is_a?(Hash) ? flat.update(flatten(value, "#{prefix}#{name}.")) : flat[prefix + name] = value
  end
end

# Which file a line is in. The name changes when it is rotated, a fingerprint while it grows.
def name_place(event)
  place = %w[device_id inode].map { |name| event.get("[log][file][#{name}]") }
  place.all? ? place.join(" ") : event.get("[log][file][path]")
end

# A file `search-api.log.1` is of the service `search-api`.
def name_file(path)
  return nil if !path.is_a?(String) || path.include?("-json.log")
  name = File.basename(path).sub(/\.(?:log|json|txt)(?:[.-]\d[\w.-]*)?\z/, "")
  name.empty? ? nil : name
end

# Read the list again when it has changed; a list that cannot be read leaves the last one.
def container_names(id)
  now = Time.now.to_i
  return @names if now < @checked + (@names.key?(id) ? CHECK_SECONDS : SEEK_SECONDS)
  @checked = now
  seen = File.mtime(@path)
  return @names if seen == @seen
  read = JSON.parse(File.read(@path))
  @names, @seen = read.select { |_id, known| known.is_a?(Hash) }, seen if read.is_a?(Hash)
  @names
rescue SystemCallError, JSON::ParserError
  @names
end
