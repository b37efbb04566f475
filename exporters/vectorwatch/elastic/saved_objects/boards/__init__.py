"""The dashboards of Kibana, in the order in which the start dashboard links to them."""

from ..board import Board
from .alert_history import ALERT_HISTORY
from .errors_by_service import ERRORS_BY_SERVICE
from .security_events import SECURITY_EVENTS
from .slow_operations import SLOW_OPERATIONS
from .start import START

BOARDS: tuple[Board, ...] = (START, ERRORS_BY_SERVICE, SLOW_OPERATIONS, SECURITY_EVENTS, ALERT_HISTORY)
