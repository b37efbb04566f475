# Take the time of a line from what the application wrote. Without a zone it is UTC, as in containers.
#
# A text that is no time, and a time more than a day ahead or before 2000, keep their text as `time_text`; the
# document then has the time at which the line was read, and the tag `time_unread`.

MONTHS = %w[jan feb mar apr may jun jul aug sep oct nov dec].freeze
ISO = /\A(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?(?:\[.*\])?\z/i
SLASHES = %r{\A(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\z}
COMMON = %r{\A(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\z}
REDIS = /\A(\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3})\z/
GLOG = /\A(\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,6})\z/
HTTP = /\A[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\z/
EPOCH = /\A\d{9,10}(?:\.\d+)?\z|\A\d{12,13}(?:\.\d+)?\z|\A\d{15,16}\z|\A\d{18,19}\z/
DAY = 86_400
OLDEST = 946_684_800 # 2000-01-01

def register(_params)
end

def filter(event)
  line = event.get("line") or return [event]
  return [event] unless line.key?("@timestamp")
  text = line.delete("@timestamp")
  time = read_time(text.to_s.strip)
  if time && time.to_i > OLDEST && time.to_i < Time.now.to_i + DAY
    event.set("@timestamp", LogStash::Timestamp.new(time))
  else
    line["time_text"] = text.to_s
    event.tag("time_unread")
  end
  event.set("line", line)
  [event]
end

def read_time(text)
  return nil if text.length > 60
  if (found = ISO.match(text))
    make(*found[1..3].map(&:to_i), *found[4..7], found[8])
  elsif (found = SLASHES.match(text))
    make(*found[1..3].map(&:to_i), *found[4..7])
  elsif (found = COMMON.match(text))
    make(found[3].to_i, month(found[2]), found[1].to_i, *found[4..6], nil, found[7])
  elsif (found = REDIS.match(text)) || (found = HTTP.match(text))
    make(found[3].to_i, month(found[2]), found[1].to_i, *found[4..6], found[7])
  elsif (found = GLOG.match(text))
    make_without_year(found)
  elsif text.match?(EPOCH)
    read_epoch(text)
  end
rescue ArgumentError
  nil # such as the 31st of February
end

def month(name)
  (MONTHS.index(name.downcase) or raise ArgumentError) + 1
end

def make(year, month, day, hour, minute, second, fraction = nil, zone = nil)
  raise ArgumentError if day > 31 || Time.utc(year, month, day).day != day
  offset = 0
  if zone && zone.match?(/\A[+-]/)
    hours, minutes = zone.delete(":")[1, 2].to_i, zone.delete(":")[3, 2].to_i
    offset = (hours * 3600 + minutes * 60) * (zone.start_with?("-") ? -1 : 1)
  end
  part = fraction ? Rational(fraction.to_i, 10**fraction.length) : 0
  Time.at(Time.utc(year, month, day, hour.to_i, minute.to_i, second.to_i).to_i - offset + part).utc
end

# klog names no year: it is this one, or the last where that would be in the future.
def make_without_year(found)
  this_year = Time.now.utc.year
  years = found[1] ? [found[1].to_i] : [this_year, this_year - 1]
  times = years.map { |year| make(year, found[2].to_i, found[3].to_i, *found[4..7]) }
  times.find { |time| time.to_i < Time.now.to_i + DAY } || times.first
end

# Seconds, milliseconds, microseconds and nanoseconds since 1970 differ in their number of digits.
def read_epoch(text)
  digits = text[/\A\d+/].length
  Time.at(text.to_r / 10**((digits - 9) / 3 * 3)).utc
end

test "a time without a zone" do
  parameters { {} }
  in_event { { "line" => { "@timestamp" => "2024-02-29 12:00:00,5" } } }
  expect("is UTC") { |events| events.first.get("@timestamp").to_s.start_with?("2024-02-29T12:00:00.5") }
end
