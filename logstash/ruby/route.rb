# Say into which data stream a document goes and under which id.
#
# The id is that of its place in a log file, so that what Filebeat sends again makes no second document; elsewhere it
# is a random one, given before the output tries for the first time.
require "digest"
require "securerandom"
require "time"

ERRORS = %w[error critical].freeze
ID_CHARACTERS = 40

def register(params)
  @namespace = params["namespace"]
end

def filter(event)
  dataset = event.get("[@metadata][dataset]") || "application"
  event.set("data_stream", { "type" => "logs", "dataset" => dataset, "namespace" => @namespace })
  event.set("[event][dataset]", dataset) if event.get("[event][dataset]").nil?
  event.set("[event][ingested]", Time.now.utc.iso8601(3))
  event.tag("error") if ERRORS.include?(event.get("[log][level]"))
  %w[operation_type operation].each { |name| tag_value(event, event.get(name)) }
  event.set("[@metadata][index]", "logs-#{dataset}-#{@namespace}")
  event.set("[@metadata][id]", identify(event))
  [event]
end

def tag_value(event, value)
  event.tag(value) if value.is_a?(String) && value.match?(/\A[\w.:-]{1,50}\z/)
end

def identify(event)
  offset = event.get("[log][offset]")
  return SecureRandom.uuid if offset.nil?
  parts = event.get("[@metadata][part]") ? name_entry(event) : name_line(event, offset)
  Digest::SHA256.hexdigest(parts.join("\0"))[0, ID_CHARACTERS]
end

# An alert is known by the entry of the journal, whichever file it is in: one that was repaired is sent anew.
def name_entry(event)
  [event.get("[host][name]"), event.get("@timestamp").to_s, event.get("[event][id]")]
end

# A line is known by its file, its place there and its text: a new file may have the inode of a deleted one. Docker has
# written the time of each line; elsewhere it may be that of reading, which differs when a line is read again.
def name_line(event, offset)
  container = event.get("[container][id]")
  time = event.get("@timestamp").to_s if container
  [container || event.get("[host][name]"), event.get("[@metadata][file]"), offset, time, event.get("message")]
end
