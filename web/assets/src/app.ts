// What every page loads: htmx, which runs without eval as long as no attribute holds script.
import "htmx.org";
