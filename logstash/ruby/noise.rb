# Name what nobody will look for in `[@metadata][noise]`; `noise.yml` says what that is.
require "yaml"

QUIET = %w[trace debug info].freeze

def register(params)
  @kinds = YAML.safe_load_file(params["noise"])
end

def filter(event)
  line = event.get("line") or return [event]
  noise = name_noise(event, line)
  event.set("[@metadata][noise]", noise) if noise
  [event]
end

def name_noise(event, line)
  return "repeated_notifications" if event.get("[@metadata][repeated]")
  return nil unless QUIET.include?(line["log.level"])
  return "empty_lines" if empty?(event, line)
  path = line["url.path"] or return nil
  status = line["http.response.status_code"].to_s
  method = line["http.request.method"].to_s.upcase
  @kinds.each do |name, kind|
    next unless kind["paths"].include?(path.to_s) && kind["methods"].include?(method)
    return name if status.match?(/\A\d{3}\z/) && status.to_i < kind["below_status"]
  end
  nil
end

# Nothing but what is known of the line's place says that it was empty.
def empty?(event, line)
  line["message"].to_s.strip.empty? && event.get("[@metadata][bare]")
end
