# Hide secrets and personal data in every field of a line; `redaction.yml` says what they are.
#
# What fails here lets nothing through: the line then keeps its place, its level and its service, and no text.
require "yaml"

PLACE = /\A(?:log\.(?:level|file|offset)|container\.(?:id|name|image)|service\.|stream\z|agent\.|host\.)/
DIGITS = /\d{2}/ # patterns without a hint look for numbers
CARD_DIGITS = 10**14..10**16

def register(params)
  table = YAML.safe_load_file(params["redaction"], aliases: true)
  @hidden = table["hidden"]
  words = {
    "<key>" => "(?:#{table['keys'].join('|')})",
    "<scheme>" => "(?:#{table['schemes'].join('|')})",
    "<quote>" => table["quote"],
  }
  @names = read_pattern(table["names"], words)
  # Most texts hold none of these; without it each rule would look at each text.
  @hint = Regexp.union(table["patterns"].flat_map { |row| row["hints"] || [] }.uniq)
  @rules = table["patterns"].map do |row|
    [row["hints"], read_pattern(row["pattern"], words), row["replacement"] || @hidden, row["check"]]
  end
end

def read_pattern(text, words)
  Regexp.new(text.gsub(/<key>|<scheme>|<quote>/, words))
end

def filter(event)
  # Without a line, reading has failed and the text stands where it was.
  line = event.get("line") || { "message" => event.get("message").to_s }
  begin
    clean = line.to_h { |name, value| [name, @names.match?(name) ? @hidden : redact(value)] }
    event.tag("redacted") if clean != line
  rescue StandardError => error
    logger.error("a line could not be redacted and lost its text", "error" => error.class.name)
    clean = line.select { |name, _value| PLACE.match?(name) }
    clean["message"] = "#{@hidden}: the text could not be searched for secrets"
    event.tag("redaction_failed")
  end
  event.set("line", clean)
  [event]
end

def redact(value)
  case value
  when String then redact_text(value)
  when Array then value.map { |item| redact(item) }
  when CARD_DIGITS then redact_text(value.to_s) == value.to_s ? value : @hidden
  else value
  end
end

def redact_text(text)
  lower = text.downcase
  hinted = @hint.match?(lower)
  numbered = DIGITS.match?(text)
  @rules.each do |hints, pattern, replacement, check|
    next unless hints ? hinted && hints.any? { |hint| lower.include?(hint) } : numbered
    text = if check
             text.gsub(pattern) { |found| send(check, found) ? @hidden : found }
           else
             text.gsub(pattern, replacement)
           end
  end
  text
end

# https://en.wikipedia.org/wiki/Luhn_algorithm
def luhn(text)
  digits = text.delete("^0-9").reverse.chars.map(&:to_i)
  sum = digits.each_with_index.sum { |digit, index| index.odd? ? (2 * digit).digits.sum : digit }
  (sum % 10).zero?
end

# ISO 13616: the country and the check digits go to the end, letters become numbers, the rest by 97 is 1.
def iban(text)
  compact = text.delete(" ")
  return false unless compact.length.between?(15, 34)
  (compact[4..] + compact[0, 4]).gsub(/[A-Z]/) { |letter| (letter.ord - 55).to_s }.to_i % 97 == 1
end
