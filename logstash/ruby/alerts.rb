# Make one event of each alert of a notification that the inbox has written into its journal.
#
# The fields of a line are those of `write_line` in exporters/vectorwatch/inbox/entry.py; what Alertmanager's webhook
# says of each alert stands in its `raw`. A notification without an alert is one event, too. One that repeats another
# (`duplicate_of`) is dropped by `drop_repeated_notifications`.
require "json"

SERVICE = "alert-inbox"
LEVELS = { "page" => "critical", "emergency" => "critical", "critical" => "critical", "error" => "error",
           "high" => "error", "warning" => "warning", "medium" => "warning" }.freeze
ANNOTATIONS = %w[summary description runbook_url dashboard_url].freeze
NO_TIME = "0001-01-01" # Alertmanager's end of an alert that has none

def register(_params)
end

def filter(event)
  entry = parse(event.get("message").to_s)
  # A damaged line goes on as text, so that nothing is lost.
  return [event] unless entry.is_a?(Hash) && entry["received_at"].is_a?(String)
  event.remove("message")
  event.set("[@metadata][repeated]", true) unless entry["duplicate_of"].nil?
  alerts = objects(entry["alerts"])
  raw = objects(entry["raw"].is_a?(Hash) ? entry["raw"]["alerts"] : nil)
  raw = [] if raw.size != alerts.size
  lines = alerts.each_with_index.map { |alert, index| read_alert(entry, alert, raw[index] || {}, index) }
  lines = [read_common(entry, 0)] if lines.empty?
  lines.map.with_index { |line, index| put(index.zero? ? event : event.clone, line, index) }
end

def put(event, line, index)
  event.set("line", line.compact)
  event.set("[@metadata][part]", index)
  event
end

def parse(text)
  JSON.parse(text, max_nesting: 100, allow_nan: true, allow_duplicate_key: true)
rescue StandardError
  nil
end

def objects(value)
  value.is_a?(Array) ? value.select { |item| item.is_a?(Hash) } : []
end

def read_common(entry, index)
  status = entry["status"].to_s
  {
    "@timestamp" => entry["received_at"], "message" => entry["title"].to_s, "service.name" => SERVICE,
    "event.kind" => "alert", "event.action" => status, "event.id" => "#{entry['id']}-#{index}",
    "alert.channel" => entry["channel"], "alert.status" => status, "alert.severity" => entry["severity"],
    "alert.description" => entry["text"], "log.level" => level(status, entry["severity"])
  }
end

def read_alert(entry, alert, raw, index)
  labels = texts(alert["labels"])
  said = texts(raw["annotations"])
  status = (alert["status"] || entry["status"]).to_s
  severity = labels["severity"] || entry["severity"]
  line = read_common(entry, index).merge(
    "message" => [alert["name"], said["summary"] || entry["title"]].reject { |text| text.to_s.empty? }.join(": "),
    "event.action" => status, "log.level" => level(status, severity), "component" => labels["component"],
    "alert.name" => alert["name"], "alert.status" => status, "alert.severity" => severity,
    "alert.fingerprint" => raw["fingerprint"], "alert.starts_at" => time(raw["startsAt"]),
    "alert.ends_at" => time(raw["endsAt"])
  )
  ANNOTATIONS.each { |name| line["alert.#{name}"] = said[name] if said[name] }
  labels.each { |name, value| line["alert.labels.#{name}"] = value }
  line
end

def texts(value)
  value.is_a?(Hash) ? value.transform_values(&:to_s) : {}
end

def time(value)
  value.is_a?(String) && !value.start_with?(NO_TIME) ? value : nil
end

# An alert that has ended is news, not an error.
def level(status, severity)
  status == "firing" ? LEVELS.fetch(severity.to_s.downcase, "info") : "info"
end
